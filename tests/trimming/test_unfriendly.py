"""What people write is cut exactly or left alone, and never breaks: see `unfriendly`."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd
from torch.utils._pytree import tree_leaves

from benchmark.trimming import Coupling, Group, couple, load, verify
from tests.trimming.unfriendly import UNFRIENDLY, Unfriendly, widths

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning"),
    pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning"),
]


def nets(which: Callable[[Unfriendly], object]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", [name for name, net in UNFRIENDLY.items() if which(net)])


each = nets(lambda net: True)
cuttable = nets(lambda net: net.widths)


@pytest.fixture(autouse=True)
def _one_thread_and_seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@dataclass(frozen=True)
class Made:
    """A net, its inputs and its coupling, for all tests; and how the net was before."""

    model: nn.Module
    inputs: tuple[Tensor, ...]
    coupling: Coupling
    state: dict[str, Tensor]
    parameters: list[int]
    attributes: dict[str, Any]


@functools.cache
def made(name: str) -> Made:
    """The net with norms that differ from unit to unit, so that a mix-up shows."""
    model, inputs = UNFRIENDLY[name].build(), UNFRIENDLY[name].inputs()
    for module in model.modules():
        if isinstance(module, _NormBase | nn.GroupNorm | nn.LayerNorm):
            for tensor in (*module.parameters(), *module.buffers()):
                if tensor.is_floating_point():
                    nn.init.uniform_(tensor, 0.5, 1.5)
    state = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    parameters, attributes = [id(tensor) for tensor in model.parameters()], dict(model.__dict__)
    return Made(model, inputs, couple(model, inputs), state, parameters, attributes)


def twin(name: str, keep: dict[str, list[int]] | None = None) -> nn.Module:
    """The net again, whole or cut; built and not copied, as its user would."""
    net, model = made(name), UNFRIENDLY[name].build()
    model.load_state_dict(net.state)
    return load(model, net.coupling.plan(keep).apply(net.state), net.coupling.stored) if keep else model


def parts(groups: Iterable[Group], choose: random.Random) -> dict[str, list[int]]:
    """Some units of each group to keep, in each another share: one number must not fit two groups by chance."""
    return {group.name: sorted(choose.sample(range(len(group)), choose.randint(1, len(group) - 1))) for group in groups}


def tensors(output: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor)]


def numel(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@each
def test_a_net_has_just_the_groups_that_can_be_cut_exactly(name: str) -> None:
    net, coupling = UNFRIENDLY[name], made(name).coupling
    assert coupling.widths == net.widths, coupling.explain()
    assert all(frozen.reason for frozen in coupling.frozen)
    assert coupling.groups or (coupling.frozen and not coupling.stored)
    assert coupling.parameters() == numel(made(name).model)


@cuttable
def test_verify_is_exact(name: str) -> None:
    net = made(name)
    for seed, fraction in enumerate((0.5, 0.75)):
        if UNFRIENDLY[name].single:
            with pytest.raises(RuntimeError, match="the model does not run in float64"):
                verify(net.model, net.inputs, net.coupling, fraction, seed)
        else:
            assert verify(net.model, net.inputs, net.coupling, fraction, seed) <= 1e-12


@each
def test_the_net_is_left_as_it_was(name: str) -> None:
    net = made(name)
    torch.testing.assert_close(dict(net.model.state_dict()), net.state, rtol=0, atol=0)
    assert [id(tensor) for tensor in net.model.parameters()] == net.parameters
    assert net.model.__dict__ == net.attributes
    assert all(module.training for module in net.model.modules())


@cuttable
def test_a_cut_net_counts_as_foretold_and_trains(name: str) -> None:
    net = made(name)
    keep = parts(net.coupling.groups, random.Random(1))
    model = twin(name, keep)
    assert numel(model) == net.coupling.parameters({group: len(units) for group, units in keep.items()})
    with torch.no_grad():
        assert all(output.isfinite().all() for output in tensors(model.eval()(*net.inputs)))
    torch.stack([output.abs().square().mean() for output in tensors(model.train()(*net.inputs))]).sum().backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)


@nets(lambda net: net.reads)
def test_a_cut_is_the_same_as_hiding_units_from_who_reads_them(name: str) -> None:
    """By hooks on layers that a person has named: nothing of the engine is asked who reads what."""
    net = made(name)
    groups = {group.name: group for group in net.coupling.groups}
    reads = {layer: groups[group] for layer, group in UNFRIENDLY[name].reads.items()}
    keep = parts({group.name: group for group in reads.values()}.values(), random.Random(2))
    whole, cut = twin(name).double().eval(), twin(name, keep).double().eval()
    for layer, group in reads.items():
        whole.get_submodule(layer).register_forward_pre_hook(_hiding(group, keep[group.name]))
    doubled = tuple(x.double() for x in net.inputs)
    with torch.no_grad():
        for before, after in zip(tensors(whole(*doubled)), tensors(cut(*doubled)), strict=True):
            # What a weight norm stores is rescaled in float32.
            torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-6)


def _hiding(group: Group, keep: list[int]) -> Callable[..., tuple[Tensor, ...]]:
    """A hook that multiplies the features of all other units by zero."""

    def hook(module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        dim = 1 if isinstance(module, _ConvNd) else args[0].dim() - 1
        each = args[0].shape[dim] // len(group)
        shown = torch.zeros(len(group), each).index_fill(0, torch.tensor(keep), 1).flatten()
        shape = [-1 if d == dim else 1 for d in range(args[0].dim())]
        return args[0] * shown.view(shape).to(args[0]), *args[1:]

    return hook


@cuttable
def test_twelve_rounds_compose_to_one_plan(name: str) -> None:
    net = made(name)
    model, coupling, choose = twin(name), net.coupling, random.Random(3)
    other = {key: tensor + 1 for key, tensor in net.state.items()}
    whole, stepwise = None, other
    for _ in range(12):
        keep = {
            group.name: sorted(choose.sample(range(len(group)), max(2, round(0.8 * len(group)))))
            for group in coupling.groups
        }
        plan = coupling.plan(keep)
        load(model, plan.apply(model.state_dict()), coupling.stored)
        stepwise = plan.apply(stepwise)
        coupling = coupling.trimmed(keep)
        whole = plan if whole is None else whole.compose(plan)
        assert numel(model) == coupling.parameters()
    assert whole is not None
    # The gain of a weight norm is rounded in every round.
    torch.testing.assert_close(whole.apply(net.state), dict(model.state_dict()), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(whole.apply(other), stepwise, rtol=1e-5, atol=1e-6)
    assert couple(model, net.inputs).groups == coupling.groups


@nets(lambda net: net.stored or net.kept)
def test_attributes_follow_if_they_hold_a_width_and_only_then(name: str) -> None:
    net, dense, coupling = UNFRIENDLY[name], made(name).model, made(name).coupling
    keep = parts(coupling.groups, random.Random(4))
    shares = [len(units) / coupling.widths[group] for group, units in keep.items()]
    model = twin(name, keep)
    assert {f"{entry.module}.{entry.attribute}".lstrip(".") for entry in coupling.stored} == set(net.stored)
    for path in net.kept:
        assert attrgetter(path)(model) == attrgetter(path)(dense)
    for path in net.stored:
        before, after = attrgetter(path)(dense), attrgetter(path)(model)
        if isinstance(before, list | tuple):
            assert type(after) is type(before)
            assert any([round(16 * share) if b == 16 else b for b in before] == list(after) for share in shares)
        else:
            assert after in [before * share for share in shares]


def line(text: str) -> str:
    """Where the text stands, as a reason tells it."""
    source = Path(widths.__file__).read_text(encoding="utf-8").splitlines()
    (number,) = (number for number, line in enumerate(source, 1) if text in line)
    return rf"widths\.py line {number}:"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("spectral norm", r"^b: "),
        ("old spectral norm", r"^b: "),
        ("weight normed by hand", r"^a: .*\bb\b"),
        ("weight divided by its largest", r"^b: "),
        ("weight from another layer", r"^a: "),
        ("weight from another layer", r"^h: "),
        ("table that is no parameter", r"^a: it meets values of fixed width in aten\.add"),
        ("width as a literal", rf"^a: .*{line('h.reshape(2, 6, 16)')}"),
        ("width in a closure", rf"^a: .*{line('h.reshape(-1, width)')}"),
        ("width in a configuration", rf"^a: .*{line('s.config.hidden')}"),
        ("divided by the root of the width", r"^a: a cut changes what the model computes"),
        ("another path when narrow", r"^a: a cut changes what the model computes"),
        ("one attribute as width and as scale", r"^a: "),
        ("one attribute for two widths", r"^a: .*widths\.py line"),
        ("one attribute for two widths", r"^b: .*widths\.py line"),
        ("units as the batch of a filter", r"^a: its units lie along a dim that a layer does not read"),
        ("root mean square norm by hand", r"^a: .*aten\.mean reduces over"),
        ("torch's attention", r"^m: "),
        ("torch's attention", r"^a: .*\bm\b"),
        ("torch's encoder layer", r"^a: .*\bt\b"),
        ("a lock inside", r"^a: no cut can be tried: "),
        ("dropout", r"^o: it is an output of the model$"),
    ],
)
def test_reasons_are_told(name: str, said: str) -> None:
    frozen = [f"{entry.name}: {entry.reason}" for entry in made(name).coupling.frozen]
    assert any(re.search(said, line) for line in frozen), frozen


def test_a_wrong_group_shows_although_the_last_layer_is_zero() -> None:
    net = made("last layer of zeros")
    (group,) = net.coupling.groups
    turned = [replace(axis, positions=axis.positions[::-1]) if axis.reads else axis for axis in group.axes]
    wrong = replace(net.coupling, groups=(replace(group, axes=tuple(turned)),))
    assert verify(net.model, net.inputs, wrong) > 1e-3
