"""Every group of every model is right: by experiment, by zeroing, and by going on after the cut."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.utils._pytree import tree_leaves

from benchmark.trimming import Coupling, Group, couple, load, verify
from tests.trimming.nets import HARD, MORE
from tests.trimming.oracle import OUTPUT, affine_norms, ignore, readers
from tests.trimming.zoo import ZOO, Case, scattered

CASES = dict(ZOO)
CASES |= {name: Case(net.build, net.inputs, ()) for name, net in (HARD | MORE).items() if net.widths}
each = pytest.mark.parametrize("name", CASES)
layered = pytest.mark.parametrize("name", [n for n in CASES if n in ZOO or (HARD | MORE)[n].layered])


@pytest.fixture(autouse=True)
def _one_thread_and_seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def made(name: str) -> tuple[nn.Module, tuple[Tensor, ...], Coupling]:
    model, inputs = scattered(CASES[name].build()), CASES[name].inputs()
    return model, inputs, couple(model, inputs, CASES[name].protect)


def some(group: Group, choose: random.Random) -> list[int]:
    """A random half, more or less, so that groups do not shrink alike."""
    return sorted(choose.sample(range(len(group)), choose.randint(1, max(1, len(group) - 1))))


def places(group: Group, units: list[int], role: str) -> dict[str, list[int]]:
    """Features of layers where these units are written or read, but for what a recurrent layer reads of its own."""
    found: dict[str, list[int]] = {}
    for axis in group.axes:
        tensor = axis.tensor.rpartition(".")[2]
        own = role == "reads" and tensor.startswith("weight_hh")
        if not getattr(axis, role) or own or tensor.endswith(("_l1", "_l2", "_l1_reverse")):
            continue
        found.setdefault(axis.module, []).extend(position for unit in units for position in axis.positions[unit])
    return found


def written(model: nn.Module, group: Group, units: list[int]) -> dict[str, list[int]]:
    """The output features of layers that are these units."""
    result = {}
    for name, positions in places(group, units, "writes").items():
        module = model.get_submodule(name)
        if isinstance(module, nn.RNNBase):
            positions = units + ([unit + module.hidden_size for unit in units] if module.bidirectional else [])
        result[name] = positions
    return result


@pytest.mark.parametrize("name", ZOO)
def test_in_audio_models_only_outputs_are_frozen(name: str) -> None:
    model, _, coupling = made(name)
    assert [frozen.name for frozen in coupling.frozen] == list(ZOO[name].protect)
    layers = {n for n, m in model.named_modules() if isinstance(m, _ConvNd | nn.Linear | nn.RNNBase | nn.Embedding)}
    assert layers - {writer for group in coupling.groups for writer in group.writers} == set(ZOO[name].protect)


@pytest.mark.parametrize("name", HARD | MORE)
def test_hard_nets_have_just_the_groups_that_can_be_cut(name: str) -> None:
    net = (HARD | MORE)[name]
    model, inputs = net.build(), net.inputs()
    coupling = couple(model, inputs)
    assert coupling.widths == net.widths
    assert all(frozen.reason for frozen in coupling.frozen)
    assert verify(model, inputs, coupling) <= 1e-12


@layered
def test_who_reads_a_group_is_found_by_experiment_too(name: str) -> None:
    model, inputs, coupling = made(name)
    choose = random.Random(1)
    for group in coupling.groups:
        units = some(group, choose)
        moved = readers(model, inputs, written(model, group, units), tries=3)
        claimed = {reader: set(features) for reader, features in places(group, units, "reads").items()}
        assert moved == claimed, group.name
        assert OUTPUT not in moved


@layered
def test_a_cut_is_the_same_as_ignoring_units(name: str) -> None:
    model, inputs, coupling = made(name)
    model = model.double().eval()
    inputs = tuple(x.double() if x.is_floating_point() else x for x in inputs)
    choose = random.Random(2)
    drop = {group.name: some(group, choose) if len(group) > 1 else [] for group in coupling.groups}
    units: dict[str, list[int]] = {}
    for group in coupling.groups:
        for layer, features in written(model, group, drop[group.name]).items():
            units.setdefault(layer, []).extend(features)
    keep = {group.name: [u for u in range(len(group)) if u not in drop[group.name]] for group in coupling.groups}
    cut = load(copy.deepcopy(model), coupling.plan(keep).apply(model.state_dict()), coupling.stored)
    ignore(model, readers(model, inputs, units, tries=3), units)
    with torch.no_grad():
        torch.manual_seed(3)
        before = tree_leaves(affine_norms(model)(*inputs))
        torch.manual_seed(3)
        after = tree_leaves(affine_norms(cut)(*inputs))
    for a, b in zip(before, after, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    assert sum(p.numel() for p in cut.parameters()) < sum(p.numel() for p in model.parameters())


@each
def test_verify_is_exact_and_leaves_the_model_alone(name: str) -> None:
    model, inputs, coupling = made(name)
    before = copy.deepcopy(model.state_dict())
    assert verify(model, inputs, coupling, fraction=0.5, seed=4) <= 1e-12
    assert model.training
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)


@each
def test_a_cut_model_counts_as_foretold_and_trains(name: str) -> None:
    model, inputs, coupling = made(name)
    assert coupling.parameters() == sum(p.numel() for p in model.parameters())
    choose = random.Random(5)
    keep = {group.name: some(group, choose) for group in coupling.groups}
    load(model, coupling.plan(keep).apply(model.state_dict()), coupling.stored)
    widths = {group: len(units) for group, units in keep.items()}
    assert coupling.parameters(widths) == sum(p.numel() for p in model.parameters())
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    sum(out.square().mean() for out in tree_leaves(model.train()(*inputs))).backward()
    optimizer.step()
    used = [parameter for parameter in model.parameters() if parameter.grad is not None]
    assert used
    assert all(p.grad.shape == p.shape and p.grad.isfinite().all() for p in used)


def halved(coupling: Coupling, choose: random.Random, part: float) -> dict[str, list[int]]:
    return {
        group.name: sorted(choose.sample(range(len(group)), max(min(2, len(group)), round(part * len(group)))))
        for group in coupling.groups
    }


@each
def test_twelve_rounds_compose_to_one_plan(name: str) -> None:
    dense, inputs, coupling = made(name)
    model, choose = copy.deepcopy(dense), random.Random(6)
    other = {key: tensor + 1 for key, tensor in dense.state_dict().items()}
    whole, stepwise = None, other
    for step in range(12):
        keep = halved(coupling, choose, 0.8)
        plan = coupling.plan(keep)
        coupling = coupling.trimmed(keep)
        load(model, plan.apply(model.state_dict()), coupling.stored)
        stepwise = plan.apply(stepwise)
        whole = plan if whole is None else whole.compose(plan)
        if step in (0, 5, 11):
            assert coupling == couple(model, inputs, CASES[name].protect)
        assert coupling.parameters() == sum(p.numel() for p in model.parameters())
    assert whole is not None
    # A gain is scaled once or twelve times, everything else is only picked.
    exact: Mapping[str, float] = {"rtol": 1e-5 if coupling.gains else 0, "atol": 0}
    torch.testing.assert_close(whole.apply(dense.state_dict()), dict(model.state_dict()), **exact)
    torch.testing.assert_close(whole.apply(other), stepwise, **exact)
    with torch.no_grad():
        model.eval()(*inputs)
