"""What people write is cut exactly or left alone, and never breaks: see `unfriendly`."""

from __future__ import annotations

import functools
import inspect
import random
import re
from collections.abc import Iterable
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd
from torch.utils._pytree import tree_leaves

from benchmark.trimming import Coupling, Group, couple, load, verify
from tests.trimming import unfriendly
from tests.trimming.unfriendly import UNFRIENDLY

each = pytest.mark.parametrize("name", UNFRIENDLY)


@pytest.fixture(autouse=True)
def _one_thread_and_seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@functools.cache
def made(name: str) -> tuple[nn.Module, tuple[Tensor, ...], Coupling]:
    """A net whose norms differ from unit to unit, its inputs and its coupling. Not to be changed."""
    model, inputs = UNFRIENDLY[name].build(), UNFRIENDLY[name].inputs()
    for module in model.modules():
        if isinstance(module, _NormBase | nn.GroupNorm | nn.LayerNorm):
            for tensor in (*module.parameters(), *module.buffers()):
                if tensor.is_floating_point():
                    nn.init.uniform_(tensor, 0.5, 1.5)
    return model, inputs, couple(model, inputs)


def cuttable(name: str) -> tuple[nn.Module, tuple[Tensor, ...], Coupling]:
    """What `made` gives, if there is a group at all."""
    everything = made(name)
    if not everything[2].groups:
        pytest.skip("nothing can be cut")
    return everything


def twin(name: str, keep: dict[str, list[int]] | None = None) -> nn.Module:
    """The net again, not made by deepcopy (some cannot be), whole or cut."""
    dense, _, coupling = made(name)
    model = UNFRIENDLY[name].build()
    model.load_state_dict(dense.state_dict())
    return load(model, coupling.plan(keep).apply(dense.state_dict()), coupling.stored) if keep else model


def parts(groups: Iterable[Group], choose: random.Random) -> dict[str, list[int]]:
    """Some units of each group to keep, in each another share: one number must not fit two groups by chance."""
    return {group.name: sorted(choose.sample(range(len(group)), choose.randint(1, len(group) - 1))) for group in groups}


def tensors(output: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor)]


def numel(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@each
def test_a_net_has_just_the_groups_that_can_be_cut_exactly(name: str) -> None:
    net = UNFRIENDLY[name]
    model, _, coupling = made(name)
    assert coupling.widths in (net.widths, *net.also), coupling.explain()
    assert all(frozen.reason for frozen in coupling.frozen)
    assert coupling.groups or coupling.frozen
    assert all(len(group) > 1 for group in coupling.groups)
    assert coupling.parameters() == numel(model)


@each
def test_the_net_is_left_as_it_was(name: str) -> None:
    net = UNFRIENDLY[name]
    model = net.build()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    tensors_before, attributes = [id(tensor) for tensor in model.parameters()], dict(model.__dict__)
    couple(model, net.inputs())
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)
    assert [id(tensor) for tensor in model.parameters()] == tensors_before
    assert model.__dict__ == attributes
    assert all(module.training for module in model.modules())


@each
def test_verify_is_exact(name: str) -> None:
    model, inputs, coupling = cuttable(name)
    for seed, fraction in enumerate((0.5, 0.75)):
        try:
            worst = verify(model, inputs, coupling, fraction, seed)
        except RuntimeError as error:
            assert UNFRIENDLY[name].single and "float64" in str(error)
        else:
            assert worst <= (1e-5 if UNFRIENDLY[name].single else 1e-12)


@each
def test_a_cut_net_counts_as_foretold_and_trains(name: str) -> None:
    _, inputs, coupling = cuttable(name)
    keep = parts(coupling.groups, random.Random(1))
    model = twin(name, keep)
    assert numel(model) == coupling.parameters({group: len(units) for group, units in keep.items()})
    with torch.no_grad():
        assert all(output.isfinite().all() for output in tensors(model.eval()(*inputs)))
    torch.stack([output.abs().square().mean() for output in tensors(model.train()(*inputs))]).sum().backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("name", [name for name, net in UNFRIENDLY.items() if net.reads])
def test_a_cut_is_the_same_as_hiding_units_from_who_reads_them(name: str) -> None:
    """By hooks on layers that a person has named: nothing of the engine is asked who reads what."""
    _, inputs, coupling = cuttable(name)
    named = {group.name.split("+")[0]: group for group in coupling.groups}
    reads = {layer: named.get(group.split("+")[0]) for layer, group in UNFRIENDLY[name].reads.items()}
    hidden = {layer: group for layer, group in reads.items() if group is not None}
    if not hidden:
        pytest.skip("what these layers read is frozen")
    keep = parts({group.name: group for group in hidden.values()}.values(), random.Random(2))
    whole, cut = twin(name).double().eval(), twin(name, keep).double().eval()
    for layer, group in hidden.items():
        whole.get_submodule(layer).register_forward_pre_hook(_hiding(group, keep[group.name]))
    doubled = tuple(x.double() for x in inputs)
    with torch.no_grad():
        for before, after in zip(tensors(whole(*doubled)), tensors(cut(*doubled)), strict=True):
            # What a weight norm stores is rescaled in float32.
            torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-6)


def _hiding(group: Group, keep: list[int]) -> object:
    """A hook that multiplies the features of all other units by zero."""

    def hook(module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        dim = 1 if isinstance(module, _ConvNd) else args[0].dim() - 1
        each = args[0].shape[dim] // len(group)
        shown = torch.zeros(len(group), each).index_fill(0, torch.tensor(keep), 1).flatten()
        shape = [-1 if d == dim else 1 for d in range(args[0].dim())]
        return args[0] * shown.view(shape).to(args[0]), *args[1:]

    return hook


@each
def test_twelve_rounds_compose_to_one_plan(name: str) -> None:
    dense, inputs, coupling = cuttable(name)
    model, choose = twin(name), random.Random(3)
    other = {key: tensor + 1 for key, tensor in dense.state_dict().items()}
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
    torch.testing.assert_close(whole.apply(dense.state_dict()), dict(model.state_dict()), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(whole.apply(other), stepwise, rtol=1e-5, atol=1e-6)
    assert couple(model, inputs).groups == coupling.groups


@pytest.mark.parametrize("name", [name for name, net in UNFRIENDLY.items() if net.stored or net.kept])
def test_attributes_follow_if_they_hold_a_width_and_only_then(name: str) -> None:
    net = UNFRIENDLY[name]
    dense, _, coupling = cuttable(name)
    said = repr(coupling.stored)
    for path in net.kept:
        assert not re.search(rf"\b{path}\b", said)
    keep = parts(coupling.groups, random.Random(4))
    shares = [len(units) / coupling.widths[group] for group, units in keep.items()]
    model = twin(name, keep)
    for path in net.kept:
        assert attrgetter(path)(model) == attrgetter(path)(dense)
    for path in net.stored:
        assert re.search(rf"\b{path.rpartition('.')[2]}\b", said)
        before, after = attrgetter(path)(dense), attrgetter(path)(model)
        if isinstance(before, list | tuple):
            assert type(after) is type(before)
            assert any([round(16 * share) if b == 16 else b for b in before] == list(after) for share in shares)
        else:
            assert after in [before * share for share in shares]


def lines(text: str) -> str:
    """The number of the line of `unfriendly` that holds the text."""
    source = Path(inspect.getfile(unfriendly)).read_text(encoding="utf-8").splitlines()
    (number,) = (number for number, line in enumerate(source, 1) if text in line)
    return str(number)


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
        ("width as a literal", rf"^a: .*unfriendly\.py\b.*\b{lines('h.reshape(2, 6, 16)')}\b"),
        ("width in a default", rf"^a: .*unfriendly\.py\b.*\b{lines('h.view(*h.shape[:2], width)')}\b"),
        ("width in a constant", rf"^a: .*unfriendly\.py\b.*\b{lines('h.view(*h.shape[:2], WIDTH)')}\b"),
        ("width in a closure", r"^a: .*unfriendly\.py line \d+"),
        ("divided by the root of the width", r"^a: "),
        ("one attribute as width and as scale", r"^a: "),
        ("one attribute for two widths", r"^a: .*unfriendly\.py"),
        ("one attribute for two widths", r"^b: .*unfriendly\.py"),
        ("root mean square norm by hand", r"^a: .*aten\.mean reduces over"),
        ("unit length", r"^a: .*aten\.\w+ reduces over"),
        ("torch's attention", r"^m: "),
        ("torch's attention", r"^a: .*\bm\b"),
        ("torch's encoder layer", r"^a: .*\bt\b"),
        ("dropout", r"^o: it is an output of the model$"),
    ],
)
def test_reasons_are_told(name: str, said: str) -> None:
    _, _, coupling = made(name)
    frozen = [f"{entry.name}: {entry.reason}" for entry in coupling.frozen]
    assert any(re.search(said, line) for line in frozen), frozen


def test_a_wrong_group_shows_although_the_last_layer_is_zero() -> None:
    model, inputs, coupling = made("last layer of zeros")
    (group,) = coupling.groups
    turned = [replace(axis, positions=axis.positions[::-1]) if axis.reads else axis for axis in group.axes]
    assert verify(model, inputs, replace(coupling, groups=(replace(group, axes=tuple(turned)),))) > 1e-3
