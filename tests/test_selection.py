import pytest
import torch

from benchmark.budgets import BUDGETS, MINIMUM_UNITS
from benchmark.selection import count_units, cut_alike, cut_anywhere, floor, minimum_widths, uniform_widths
from benchmark.trimming import couple
from tests.toy_task import LENGTH, Net


@pytest.fixture(scope="module")
def coupling():
    return couple(Net(24), (torch.zeros(1, 1, LENGTH),), protect=("out",))


def everything(coupling):
    return {group.name: list(range(len(group))) for group in coupling.groups}


def random_scores(coupling, keep, seed):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(len(left), generator=generator, dtype=torch.float64) for name, left in keep.items()}


def cut(coupling, keep, scores, budget):
    return cut_anywhere(coupling, keep, scores, budget, coupling.parameters)


def widths(keep):
    return {name: len(left) for name, left in keep.items()}


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
    for name, left in after.items():
        gone = [scores[name][u] for u in keep[name] if u not in left]
        # Units given back at the end are the best of those dropped, so order within a group is kept.
        assert not gone or max(gone) < min(scores[name][u] for u in left)


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


@pytest.mark.parametrize("k", [1, 4, 8])
def test_a_local_cut_keeps_the_same_share_of_every_group_and_the_best_of_each(coupling, k):
    keep, budget = everything(coupling), int(BUDGETS[k] * coupling.parameters())
    scores = random_scores(coupling, keep, 0)
    after = cut_alike(coupling, keep, scores, budget, coupling.parameters)
    assert widths(after) == uniform_widths(coupling, budget)
    for name, left in after.items():
        gone = set(keep[name]) - set(left)
        assert left == sorted(left)
        assert max(float(scores[name][u]) for u in gone) < min(float(scores[name][u]) for u in left)


@pytest.mark.parametrize("cut_units", [cut_alike, cut_anywhere])
def test_a_budget_can_count_units(coupling, cut_units):
    keep = everything(coupling)
    total = count_units(widths(keep))
    after = cut_units(coupling, keep, random_scores(coupling, keep, 0), int(0.7 * total), count_units)
    assert 0.67 * total < count_units(widths(after)) <= 0.7 * total
    assert widths(cut_units(coupling, keep, random_scores(coupling, keep, 0), 0, count_units)) == minimum_widths(
        coupling
    )


def test_cuts_after_cuts_are_in_numbers_of_the_dense_net(coupling):
    keep = everything(coupling)
    for k in (1, 2, 3):
        before = keep
        budget = int(BUDGETS[k] * coupling.parameters())
        keep = cut_alike(coupling, keep, random_scores(coupling, keep, k), budget, coupling.parameters)
        assert all(set(keep[name]) < set(before[name]) for name in keep)
        assert coupling.parameters(widths(keep)) <= budget
