import pytest
import torch

from benchmark.budgets import BUDGETS, MINIMUM_UNITS
from benchmark.selection import cut, floor, minimum_widths, uniform_widths
from benchmark.trimming import couple
from tests.toy_task import LENGTH, Net


@pytest.fixture(scope="module")
def coupling():
    return couple(Net(24), (torch.zeros(1, 1, LENGTH),), protect=("out",))


def everything(coupling):
    return {group.name: list(range(len(group))) for group in coupling.groups}


def random_scores(coupling, keep, seed):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(len(units), generator=generator, dtype=torch.float64) for name, units in keep.items()}


def widths(keep):
    return {name: len(units) for name, units in keep.items()}


@pytest.mark.parametrize("seed", range(5))
def test_every_budget_is_kept_and_nearly_used_until_minimum_widths_bind(coupling, seed):
    keep, minimum = everything(coupling), minimum_widths(coupling)
    for budget in (int(b * coupling.parameters()) for b in BUDGETS[1:]):
        if floor(coupling) > budget:
            break
        before = keep
        keep = cut(coupling, keep, random_scores(coupling, keep, seed), budget)
        used = coupling.parameters(widths(keep))
        assert used <= budget
        assert used >= 0.9 * budget or any(widths(keep)[g] == minimum[g] for g in keep)
        assert all(set(keep[g]) <= set(before[g]) and keep[g] == sorted(keep[g]) for g in keep)
        assert all(len(keep[g]) >= minimum[g] for g in keep)


def test_the_lowest_scores_of_a_group_go_first(coupling):
    keep = everything(coupling)
    scores = random_scores(coupling, keep, 0)
    after = cut(coupling, keep, scores, coupling.parameters() // 2)
    for name, units in after.items():
        gone = [scores[name][u] for u in keep[name] if u not in units]
        # Units given back at the end are the best of those dropped, so order within a group is kept.
        assert not gone or max(gone) < min(scores[name][u] for u in units)


def test_below_the_floor_every_group_is_at_its_minimum(coupling):
    keep = everything(coupling)
    after = cut(coupling, keep, random_scores(coupling, keep, 0), 0)
    assert widths(after) == minimum_widths(coupling)
    assert set(widths(after).values()) == {MINIMUM_UNITS}
    assert coupling.parameters(widths(after)) == floor(coupling)


def test_a_full_budget_cuts_nothing(coupling):
    keep = everything(coupling)
    assert cut(coupling, keep, random_scores(coupling, keep, 0), coupling.parameters()) == keep


@pytest.mark.parametrize("k", [1, 4, 8])
def test_uniform_widths_hold_the_budget_with_equal_fractions(coupling, k):
    budget = int(BUDGETS[k] * coupling.parameters())
    narrow = uniform_widths(coupling, budget)
    assert 0.75 * budget < coupling.parameters(narrow) <= budget
    fractions = [narrow[g] / coupling.widths[g] for g in narrow if narrow[g] > MINIMUM_UNITS]
    assert max(fractions) - min(fractions) < 0.06
