"""Published audio networks can be cut as they stand, and what is left is exactly what a cut should leave."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.utils._pytree import tree_leaves

from benchmark.trimming import Coupling, Group, couple, load, verify
from tests.trimming.oracle import affine_norms
from tests.trimming.published import PUBLISHED
from tests.trimming.zoo import scattered

# All groups of each, by their widths: whatever is not an output of the network can be cut.
WIDTHS = {
    "crepe": [24, 8, 9, 10, 11, 16],
    "open-unmix": [26, 13, 26],
    "wavenet, weight norm by a hook": [12, *[14] * 6, 10, 11],
    "wavenet, weight norm by a parametrization": [12, *[14] * 6, 10, 11],
    "micro-tcn": [7, 15, 13, 16],
    "micro-tcn, growing": [7, 15, 13, 8],
    "ddsp": [*[20] * 3, *[24] * 3, 22, *[18] * 3],
    "transformer, fused attention": [20, 4, 44, 4, 48],
    "transformer, written-out attention": [20, 4, 44, 4, 48],
    "u-net": [8, 12, 17, 22, 16, 13, 9],
    "wave-u-net": [9, 13, 18, 24, 19, 14, 10],
}
each = pytest.mark.parametrize("name", PUBLISHED)

Keep = dict[str, list[int]]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@cache
def made(name: str) -> tuple[dict[str, Tensor], tuple[Tensor, ...], Coupling]:
    """A dense state whose norms and slopes differ from unit to unit, inputs, and the coupling."""
    torch.manual_seed(0)
    model, inputs = scattered(PUBLISHED[name].build()), PUBLISHED[name].inputs()
    for module in model.modules():
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, 0.1, 0.9)
    coupling = couple(model, inputs, PUBLISHED[name].protect)
    return dict(model.state_dict()), inputs, coupling


def fresh(name: str) -> nn.Module:
    """Built anew: modules that are weight-normed by a hook refuse to be copied."""
    model = PUBLISHED[name].build()
    model.load_state_dict(made(name)[0])
    return model


def loaded(name: str, state: dict[str, Tensor]) -> nn.Module:
    return load(fresh(name), state, made(name)[2].stored)


def outputs(model: nn.Module, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """In evaluation mode, in the model's precision, always with the same noise."""
    precision = next(model.parameters()).dtype
    torch.manual_seed(1)
    with torch.no_grad():
        return tree_leaves(model.eval()(*(x.to(precision) for x in inputs)))


def sample(group: Group, count: int, choose: random.Random) -> list[int]:
    return sorted(choose.sample(range(len(group)), count))


def uneven(coupling: Coupling, choose: random.Random) -> Keep:
    """Groups of one width get different ones, which a half of each would not."""
    return {g.name: sample(g, choose.randint(2, len(g) - 1), choose) for g in coupling.groups}


@each
def test_nearly_all_parameters_can_be_cut(name: str) -> None:
    coupling = made(name)[2]
    assert coupling.cuttable >= 0.8, coupling.explain()


@each
def test_the_groups_are_those_of_the_architecture(name: str) -> None:
    coupling = made(name)[2]
    assert sorted(coupling.widths.values()) == sorted(WIDTHS[name]), coupling.explain()


@each
def test_verify_is_exact(name: str) -> None:
    inputs, coupling = made(name)[1:]
    model = fresh(name)
    largest = max(float(out.abs().max()) for out in outputs(fresh(name).double(), inputs))
    for seed in range(2):
        assert verify(model, inputs, coupling, seed=seed) <= 1e-12 * max(1.0, largest)


@each
def test_half_of_every_group_can_go(name: str) -> None:
    state, inputs, coupling = made(name)
    dense, choose = fresh(name), random.Random(2)
    assert coupling.parameters() == sum(p.numel() for p in dense.parameters())
    keep = {group.name: sample(group, len(group) - len(group) // 2, choose) for group in coupling.groups}
    model = loaded(name, coupling.plan(keep).apply(state))
    foretold = coupling.parameters({group: len(units) for group, units in keep.items()})
    assert foretold == sum(p.numel() for p in model.parameters()) < coupling.parameters()
    shapes = [out.shape for out in outputs(dense, inputs)]
    assert [out.shape for out in outputs(model, inputs)] == shapes
    assert learnt(model, inputs) == learnt(dense, inputs)


def learnt(model: nn.Module, inputs: tuple[Tensor, ...]) -> set[str]:
    """Names of the parameters that get a gradient, all finite."""
    sum(out.square().mean() for out in tree_leaves(model.train()(*inputs))).backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert all(gradient.isfinite().all() for gradient in gradients.values())
    return set(gradients)


@each
def test_twelve_rounds_compose_to_one_plan(name: str) -> None:
    state, inputs, coupling = made(name)
    model, choose, whole = fresh(name), random.Random(3), None
    for _ in range(12):
        keep = {
            group.name: sample(group, max(2, round(choose.uniform(0.5, 0.9) * len(group))), choose)
            for group in coupling.groups
        }
        plan = coupling.plan(keep)
        load(model, plan.apply(model.state_dict()), coupling.stored)
        coupling = coupling.trimmed(keep)
        whole = plan if whole is None else whole.compose(plan)
        assert coupling.parameters() == sum(p.numel() for p in model.parameters())
        assert all(out.isfinite().all() for out in outputs(model, inputs))
    assert whole is not None
    assert set(coupling.widths.values()) <= {2, 3}
    composed, stepwise = whole.apply(state), model.state_dict()
    assert composed.keys() == stepwise.keys()
    for tensor, value in composed.items():
        # A gain of weight norm is rescaled at every cut, hence rounded as often.
        gain = tensor.endswith(("weight_g", "weight.original0"))
        torch.testing.assert_close(value, stepwise[tensor], rtol=1e-5 if gain else 0, atol=0, msg=tensor)
    for one, other in zip(outputs(loaded(name, composed), inputs), outputs(model, inputs), strict=True):
        torch.testing.assert_close(one, other)


def features_read(model: nn.Module, group: Group) -> list[tuple[str, tuple[tuple[int, ...], ...]]] | None:
    """Layers and their input features by unit; None where a layer does more with the units than multiply its input."""
    found = []
    for axis in group.axes:
        if not axis.reads:
            continue
        layer, _, normed = axis.tensor.partition(".parametrizations.")
        weight = normed.partition(".")[0]
        if not normed:
            layer, _, weight = axis.tensor.rpartition(".")
        module, weight = model.get_submodule(layer), weight.removesuffix("_v")
        if isinstance(module, nn.RNNBase) and weight.startswith("weight_ih_l0"):
            dim = 1
        elif isinstance(module, nn.Linear | _ConvNd) and weight == "weight" and getattr(module, "groups", 1) == 1:
            dim = 0 if isinstance(module, _ConvTransposeNd) else 1
        else:
            return None
        assert axis.dim == dim, f"{axis.tensor} reads by dim {dim}, not {axis.dim}"
        found.append((layer, axis.positions))
    return found


def deaf(features: set[int]) -> Callable[[nn.Module, tuple[Tensor, ...]], tuple[Tensor, ...]]:
    """A hook that zeroes these input features of a layer."""

    def hook(module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        dim = 1 if isinstance(module, _ConvNd) else args[0].dim() - 1
        return args[0].index_fill(dim, torch.tensor(sorted(features)), 0.0), *args[1:]

    return hook


@each
def test_a_cut_is_the_same_as_not_hearing_units(name: str) -> None:
    state, inputs, coupling = made(name)
    whole, choose = affine_norms(fresh(name).double()), random.Random(4)
    before, keep, ignored = outputs(whole, inputs), {}, {}
    for group in coupling.groups:
        layers = features_read(whole, group)
        if layers is None:
            continue
        keep[group.name] = sample(group, choose.randint(1, len(group) - 1), choose)
        for layer, positions in layers:
            dropped = set(range(len(group))).difference(keep[group.name])
            ignored.setdefault(layer, set()).update(p for unit in dropped for p in positions[unit])
    assert 2 * len(keep) >= len(coupling.groups), f"only {list(keep)} could be checked"
    for layer, features in ignored.items():
        whole.get_submodule(layer).register_forward_pre_hook(deaf(features))
    masked = outputs(whole, inputs)
    double = {tensor: value.double() if value.is_floating_point() else value for tensor, value in state.items()}
    cut = load(fresh(name).double(), coupling.plan(keep).apply(double), coupling.stored)
    for a, b, dense in zip(masked, outputs(affine_norms(cut), inputs), before, strict=True):
        largest = max(1.0, float(a.abs().max()))
        torch.testing.assert_close(b, a, rtol=0, atol=1e-12 * largest)
        assert (dense - a).abs().max() > 1e-6 * largest


@each
def test_a_cut_model_goes_through_a_file(name: str, tmp_path: Path) -> None:
    state, inputs, coupling = made(name)
    keep = uneven(coupling, random.Random(5))
    cut = loaded(name, coupling.plan(keep).apply(state))
    torch.save(cut.state_dict(), tmp_path / "state.pt")
    again = load(PUBLISHED[name].build(), torch.load(tmp_path / "state.pt", weights_only=True), coupling.stored)
    assert [p.shape for p in again.parameters()] == [p.shape for p in cut.parameters()]
    for new, old in zip(outputs(again, inputs), outputs(cut, inputs), strict=True):
        assert torch.equal(new, old)
