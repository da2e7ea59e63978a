"""Random nets: no group is wrong, by experiment; what is cut goes on; what can be cut is in a group."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any, get_args

import pytest
import torch
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from benchmark.trimming import Coupling, Plan, couple, load, verify
from tests.trimming import random_nets as nets
from tests.trimming.oracle import affine_norms, ignore, readers
from tests.trimming.random_nets import Description, Stage

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning", "error:input's size at dim")

_LAYERS = (_ConvNd, nn.Linear, nn.RNNBase)
Inputs = tuple[Tensor, ...]
Features = dict[str, set[int]]
"""Features of layers, by name; none are left out."""


def _weighted(*options: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of the strategies, each that often."""
    indices = [index for index, (times, _) in enumerate(options) for _ in range(times)]
    return st.sampled_from(indices).flatmap(lambda index: options[index][1])


def descriptions() -> st.SearchStrategy[Description]:
    """Nets of two to six stages, two levels deep."""
    any_width = st.sampled_from(range(2, 10))
    width = st.shared(any_width, key="width of many layers") | any_width
    some = st.sampled_from((1, 2, 3))
    kind, norm = st.sampled_from(("conv", "linear", "up")), st.sampled_from(("none", "none", *nets.NORMS))
    form = st.sampled_from(("plain", "plain", "plain", "weight_norm", "parametrized"))
    layer = st.builds(nets.Layer, width, kind, norm, st.sampled_from(tuple(nets.ACTIVATIONS)), form)
    recurrent = st.tuples(width, st.sampled_from(("GRU", "LSTM")), st.integers(1, 2), st.booleans(), st.booleans())
    plain = _weighted(
        (5, layer),
        (2, st.builds(nets.Gate, width, st.sampled_from(("two layers", "glu", "chunk", "slice")), form)),
        (3, recurrent.map(lambda drawn: nets.Recurrent(*drawn))),
        (2, st.builds(nets.Grouped, st.sampled_from((None, None, 2, 3)), some, st.booleans(), form)),
        (1, st.builds(nets.SqueezeExcite, width)),
        (1, st.builds(nets.FiLM, width)),
        (1, st.builds(nets.Skips, width, width, some)),
        (1, st.builds(nets.Twice, form)),
        (3, st.builds(nets.Function, st.sampled_from(tuple(nets.FUNCTIONS)))),
        (2, st.just(nets.Remembered())),
    )

    def composed(inside: st.SearchStrategy[Stage]) -> st.SearchStrategy[Stage]:
        body, branch = (st.lists(inside, min_size=least, max_size=2).map(tuple) for least in (1, 0))
        branches = st.lists(branch, min_size=2, max_size=3).map(tuple)
        shortcut, open_ = st.none() | width, st.sampled_from((False, False, True))
        return _weighted((1, st.builds(nets.Residual, body, shortcut, open_)), (1, st.builds(nets.Concat, branches)))

    stage = _weighted((4, plain), (1, composed(plain)), (1, composed(_weighted((2, plain), (1, composed(plain))))))
    return st.builds(
        lambda first, rest, **others: Description((*first, *rest), **others),
        _weighted((7, st.tuples(layer)), (1, st.just(()))),
        st.lists(stage, min_size=1, max_size=5),
        head=st.sampled_from(("mean", *nets.HEADS)),
        channels=st.integers(1, 6),
        side=st.integers(1, 4),
        time=st.integers(8, 13),
        heads=st.integers(1, 2),
    )


class _Scaled(nn.GroupNorm):
    """A norm over all channels that only scales and shifts: the stated exception, as for layer norms."""

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight[:, None] + self.bias[:, None]


def exact(model: nn.Module, inputs: Inputs) -> nn.Module:
    """A copy in float64 and evaluation mode, whose norms over all channels only scale and shift."""
    with torch.no_grad():
        model.eval()(*inputs)  # the older weight norm leaves a tensor with a graph, which cannot be copied
    model = copy.deepcopy(model).double().eval()
    for module in model.modules():
        if isinstance(module, nn.GroupNorm) and module.num_groups == 1:
            module.__class__ = _Scaled
    return model


def gone(plan: Plan, layer: str, tensors: tuple[str, ...], dim: int) -> set[int]:
    """Positions that a plan cuts from a dim of the first of these tensors that it knows."""
    for tensor in tensors:
        cut = plan.cuts.get(f"{layer}.{tensor}", {}).get(dim)
        if cut is not None:
            return set(range(cut.size)).difference(cut.keep)
    return set()


def grouped(channels: set[int], before: int, after: int, groups: int) -> set[int]:
    """From the channels on one side of a grouped convolution those on the other side; whole groups only."""
    size = before // groups
    whole = {channel // size for channel in channels}
    assert channels == {group * size + i for group in whole for i in range(size)}, "a group of channels is cut apart"
    return {group * (after // groups) + i for group in whole for i in range(after // groups)}


def features(model: nn.Module, plan: Plan) -> tuple[Features, Features]:
    """The output and input features of all layers that a plan cuts, read off the weights' shapes alone."""
    written: Features = {}
    read: Features = {}
    for name, layer in model.named_modules():
        weight = "weight", "weight_v", "parametrizations.weight.original1"
        if isinstance(layer, nn.RNNBase):
            units = gone(plan, name, ("weight_hh_l0",), 1)
            written[name] = units | {unit + layer.hidden_size for unit in units if layer.bidirectional}
            read[name] = gone(plan, name, ("weight_ih_l0",), 1)
        elif isinstance(layer, _ConvNd) and layer.groups > 1:
            first, channels = gone(plan, name, weight, 0), [layer.in_channels, layer.out_channels]
            assert not gone(plan, name, weight, 1), "the groups of a convolution are cut apart"
            if layer.transposed:
                read[name], written[name] = first, grouped(first, *channels, layer.groups)
            else:
                written[name], read[name] = first, grouped(first, *reversed(channels), layer.groups)
        elif isinstance(layer, _LAYERS):
            rows, columns = gone(plan, name, weight, 0), gone(plan, name, weight, 1)
            written[name], read[name] = (columns, rows) if isinstance(layer, _ConvTransposeNd) else (rows, columns)
    return tuple({name: some for name, some in found.items() if some} for found in (written, read))


def _width(layer: nn.Module) -> int:
    if isinstance(layer, nn.RNNBase):
        return layer.hidden_size * (1 + layer.bidirectional)
    return layer.out_channels if isinstance(layer, _ConvNd) else layer.out_features


def kept(coupling: Coupling, choose: random.Random, part: float | None = None) -> dict[str, list[int]]:
    """Units to keep of each group: that part of them, or a random one; at least one."""
    keep = {}
    for name, units in coupling.widths.items():
        count = choose.randint(1, max(1, units - 1)) if part is None else max(1, round(part * units))
        keep[name] = sorted(choose.sample(range(units), count))
    return keep


def readers_agree(model: nn.Module, inputs: Inputs, plan: Plan) -> tuple[Features, Features]:
    """The features that a plan cuts; noise on those written moves just those read, and never the output."""
    written, read = features(model, plan)
    units = {name: sorted(some) for name, some in written.items()}
    moved = readers(model, inputs, units, tries=4)
    if moved != read:
        # Zeros that go with a unit never move, nor does the mean of what was normalized, whatever noise is anywhere.
        layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, _LAYERS)}
        alive = readers(model, inputs, {name: list(range(_width(layer))) for name, layer in layers.items()}, tries=40)
        moved = readers(model, inputs, units, tries=40)
        still = {name: some & alive.get(name, set()) for name, some in read.items()}
        assert moved == {name: some for name, some in still.items() if some}
    return written, read


def check_who_reads(model: nn.Module, inputs: Inputs, coupling: Coupling, choose: random.Random) -> None:
    """Of two groups each for itself; `check_a_cut_is_ignoring` asks it of most together."""
    model, keep = exact(model, inputs), kept(coupling, choose)
    for name in choose.sample(sorted(keep), min(2, len(keep))):
        readers_agree(model, inputs, coupling.plan({name: keep[name]}))


def check_a_cut_is_ignoring(model: nn.Module, inputs: Inputs, coupling: Coupling, choose: random.Random) -> None:
    """A cut of most groups gives what the whole model does when its layers see zeros in place of the units."""
    keep = {name: units for name, units in kept(coupling, choose).items() if choose.random() < 0.7}
    whole, plan = exact(model, inputs), coupling.plan(keep)
    cut = load(exact(model, inputs), plan.apply(whole.state_dict()), coupling.stored)
    written, read = readers_agree(whole, inputs, plan)
    for name, some in read.items():

        def blind(module: nn.Module, args: tuple[Tensor, ...], some: set[int] = some) -> tuple[Tensor, ...]:
            dim = 1 if isinstance(module, _ConvNd) else args[0].dim() - 1
            return args[0].index_fill(dim, torch.tensor(sorted(some)), 0), *args[1:]

        whole.get_submodule(name).register_forward_pre_hook(blind)
    ignore(whole, {}, {name: sorted(some) for name, some in written.items()})  # what recurrent layers feed back
    given = [x.double() for x in inputs]
    with torch.no_grad():
        for a, b in zip(affine_norms(whole)(*given), affine_norms(cut)(*given), strict=True):
            torch.testing.assert_close(b, a, rtol=0, atol=1e-12)


def check_a_cut_trains(model: nn.Module, inputs: Inputs, coupling: Coupling, choose: random.Random) -> None:
    assert coupling.parameters() == sum(p.numel() for p in model.parameters())
    keep = kept(coupling, choose, 0.5)
    cut = load(copy.deepcopy(model), coupling.plan(keep).apply(model.state_dict()), coupling.stored)
    count = sum(p.numel() for p in cut.parameters())
    assert count == coupling.parameters({name: len(units) for name, units in keep.items()})
    assert count == coupling.trimmed(keep).parameters()
    sum(out.square().mean() for out in cut.train()(*inputs)).backward()
    used = [p for p in cut.parameters() if p.grad is not None]
    assert used
    assert all(p.grad.shape == p.shape and p.grad.isfinite().all() for p in used)


def check_rounds_compose(model: nn.Module, inputs: Inputs, coupling: Coupling, choose: random.Random) -> None:
    dense = copy.deepcopy(model).double()
    state, stepwise, whole = dense.state_dict(), dense.state_dict(), Plan({})
    for _ in range(3):
        keep = kept(coupling, choose, 0.7)
        plan = coupling.plan(keep)
        stepwise, whole, coupling = plan.apply(stepwise), whole.compose(plan), coupling.trimmed(keep)
    at_once = whole.apply(state)
    torch.testing.assert_close(at_once, stepwise, rtol=1e-12, atol=0)
    cut = load(dense, at_once, coupling.stored).eval()
    assert coupling.parameters() == sum(p.numel() for p in cut.parameters())
    assert all(out.isfinite().all() for out in cut(*(x.double() for x in inputs)))
    assert verify(cut, inputs, coupling) <= 1e-12


def check(description: Description, seen: Counter[str]) -> None:
    model, inputs = description.build(), description.inputs()
    model.train()(*inputs)  # as a training step leaves it
    coupling = couple(model, inputs)
    note(coupling.explain())
    assert verify(model, inputs, coupling) <= 1e-12
    choose = random.Random(0)
    for part in (check_who_reads, check_a_cut_is_ignoring, check_a_cut_trains, check_rounds_compose):
        part(model, inputs, coupling, choose)
    layers = {name for name, module in model.named_modules() if isinstance(module, _LAYERS)}
    hidden = {name for name in layers if not name.startswith("heads.")}
    frozen = hidden.difference(*(group.writers for group in coupling.groups))
    if description.free:
        assert not frozen
    seen.update(
        nets=1, free=description.free, layers=len(hidden), frozen=len(frozen), groups=len(coupling.groups),
        units=sum(coupling.widths.values()),
    )  # fmt: skip
    seen.update({type(stage).__name__ for stage in description.elements()})


def explore(examples: int) -> Mapping[str, int]:
    """Check that many nets, always the same; what was seen in how many."""
    seen: Counter[str] = Counter()
    torch.set_num_threads(1)

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(descriptions())
    @example(Description((nets.Layer(3), nets.Layer(3), nets.Layer(3), nets.Remembered())))
    @example(Description((nets.Layer(2), nets.Layer(2), nets.Remembered())))
    @example(
        Description(
            (
                nets.Layer(2),
                nets.Residual((nets.SqueezeExcite(2),)),
                nets.Layer(2, norm="instance, plain"),
                nets.Remembered(),
            ),
            head="every frame",
            channels=5,
        )
    )
    def every_net(description: Description) -> None:
        check(description, seen)

    every_net()
    return seen


def test_no_group_of_a_random_net_is_wrong() -> None:
    seen = explore(40)
    assert seen["groups"] > seen["nets"] > 30


@pytest.mark.long
def test_no_group_of_many_random_nets_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    seen = explore(500)
    told = "{nets} nets ({free} free), {layers} hidden layers, {frozen} of them frozen, {groups} groups, {units} units"
    with capsys.disabled():
        print("\n" + told.format(**seen))  # noqa: T201
    assert seen["nets"] > 450
    assert seen["free"] > 200
    assert all(seen[stage.__name__] > 10 for stage in get_args(Stage))
