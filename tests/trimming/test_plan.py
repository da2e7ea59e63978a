"""A plan is data: it goes through JSON, composes, and trusts nothing."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from benchmark.trimming import Cut, Gain, Plan, couple

PLAN = Plan({"a.weight": {0: Cut(6, (0, 2, 5)), 1: Cut(4, (1,))}, "a.bias": {0: Cut(6, (0, 2, 5))}})


def test_positions_that_are_kept() -> None:
    weight = torch.arange(48.0).view(6, 4, 2).requires_grad_()
    other = torch.ones(3, 2).t()
    cut = PLAN.apply({"a.weight": weight, "other": other})
    assert torch.equal(cut["a.weight"], weight[[0, 2, 5]][:, [1]])
    assert not cut["a.weight"].requires_grad
    assert all(tensor.is_contiguous() for tensor in cut.values())
    cut["other"].zero_()
    assert torch.equal(other, torch.ones(2, 3))


def test_optimizer_moments_and_other_seeds_are_cut_alike() -> None:
    model = nn.Sequential(nn.Conv1d(2, 6, 3), nn.BatchNorm1d(6), nn.Conv1d(6, 3, 1))
    x = torch.randn(2, 2, 9)
    plan = couple(model, (x,)).plan({"0": [1, 4]})
    optimizer = torch.optim.AdamW(model.parameters())
    model(x).sum().backward()
    optimizer.step()
    names = {parameter: name for name, parameter in model.named_parameters()}
    moments = {names[p]: entry["exp_avg"] for p, entry in optimizer.state.items()}
    trimmed, weights = plan.apply(moments), plan.apply(model.state_dict())
    assert {name: t.shape for name, t in trimmed.items()} == {name: weights[name].shape for name in trimmed}
    assert torch.equal(trimmed["2.weight"], moments["2.weight"][:, [1, 4]])
    assert torch.equal(weights["1.running_var"], model[1].running_var[[1, 4]])


def test_a_plan_survives_json() -> None:
    text = PLAN.to_json()
    assert Plan.from_json(text) == PLAN
    assert Plan.from_json(text).to_json() == text
    assert Plan.from_json(Plan({}).to_json()) == Plan({})


def test_a_gain_shrinks_with_the_length_of_its_row() -> None:
    state = {"v": torch.tensor([[3.0, 4.0], [0.0, 2.0], [1.0, 0.0]]), "g": torch.tensor([[10.0], [1.0], [2.0]])}
    plan = Plan({"v": {0: Cut(3, (0, 1)), 1: Cut(2, (1,))}, "g": {0: Cut(3, (0, 1))}}, {"v": Gain("g", 0)})
    cut = plan.apply(state)
    assert torch.equal(cut["v"], torch.tensor([[4.0], [2.0]]))
    torch.testing.assert_close(cut["g"], torch.tensor([[8.0], [1.0]]))
    assert torch.equal(plan.select(state)["g"], torch.tensor([[10.0], [1.0]]))
    assert Plan.from_json(plan.to_json()) == plan


def test_states_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a.bias has shape \(5,\); the plan was made for size 6 at dim 0"):
        PLAN.apply({"a.bias": torch.zeros(5)})
    with pytest.raises(ValueError, match=r"a.weight has shape \(6,\); the plan was made for size 4 at dim 1"):
        PLAN.apply({"a.weight": torch.zeros(6)})
    with pytest.raises(ValueError, match="the state has none of them but 'b'"):
        PLAN.apply({"b": torch.zeros(6)})


def test_plans_that_do_not_follow_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a\.weight: dim 0 has 3 left, but the later plan was made for 6"):
        PLAN.compose(PLAN)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_composing_is_cutting_twice(data: st.DataObject) -> None:
    def plan(size: int) -> Plan:
        keep = data.draw(st.sets(st.integers(0, size - 1), min_size=1))
        return Plan({"w": {1: Cut(size, tuple(sorted(keep)))}})

    first = plan(8)
    second = plan(len(first.cuts["w"][1].keep))
    state = {"w": torch.arange(16).view(2, 8)}
    assert torch.equal(first.compose(second).apply(state)["w"], second.apply(first.apply(state))["w"])
    assert first.compose(Plan({})) == first == Plan({}).compose(first)


def one(**entry: object) -> str:
    return json.dumps({"version": 1, "tensors": {"w": {"0": {"size": 4, "keep": [0]} | entry}}})


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "not a plan"),
        ("[]", "the plan: wanted an object, got list"),
        ("{}", "wanted version, tensors, gains, got 'gains'"),
        ('{"version": 2, "tensors": {}}', "version 2, this reads version 1"),
        ('{"version": true, "tensors": {}}', "version True"),
        ('{"version": 1, "tensors": {}, "run": "rm"}', "wanted version, tensors"),
        ('{"version": 1, "tensors": []}', "tensors: wanted an object, got list"),
        ('{"version": 1, "tensors": {"w": {}, "w": {}}}', "given twice"),
        ('{"version": 1, "tensors": {"w": {"-1": {"size": 1, "keep": [0]}}}}', "is no dim"),
        ('{"version": 1, "tensors": {"w": {"x": {"size": 1, "keep": [0]}}}}', "is no dim"),
        ('{"version": 1, "tensors": {"w": {"00": {"size": 1, "keep": [0]}}}}', "is no dim"),
        ('{"version": 1, "tensors": {"w": {"' + "9" * 5000 + '": {"size": 1, "keep": [0]}}}}', "is no dim"),
        ('{"version": 1, "tensors": {"w": {"0": {"size": 1}}}}', "wanted size, keep, got 'size'"),
        ("[" * 100_000, "nested too deep"),
        ('{"version": 1, "tensors": ' + "9" * 5000 + "}", "not a plan"),
        (
            '{"version": 1, "tensors": {}, "gains": {"w": {"gain": "g", "dim": 0}}}',
            "gain of w: wanted a name and a dim",
        ),
        ('{"version": 1, "tensors": {}, "gains": {"w": {"gain": "g"}}}', "the gain of w: wanted gain, dim"),
        (one(keep=[]), "w, dim 0: nothing would be kept"),
        (one(keep=[1, 1]), "must increase"),
        (one(keep=[2, 1]), "must increase"),
        (one(keep=[-1, 1]), "positions -1 to 1 are kept of a size of 4"),
        (one(keep=[4]), "positions 4 to 4 are kept of a size of 4"),
        (one(keep=[0.0]), "must be integers"),
        (one(keep=[True]), "must be integers"),
        (one(keep=["0"]), "must be integers"),
        (one(keep={"0": 0}), "'keep' must be a list"),
        (one(size="4"), "must be integers"),
        (one(size=None), "must be integers"),
    ],
)
def test_hostile_json_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        Plan.from_json(text)
