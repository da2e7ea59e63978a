import pytest
import torch

from benchmark import criterion as module
from benchmark import plugins
from benchmark.criterion import Criterion, Evidence
from benchmark.errors import CriterionError, UsageError
from benchmark.evidence import gather
from benchmark.selection import (
    by_dimension,
    by_maximum,
    by_mean,
    by_nothing,
    comparable,
    require_ranking,
    score_units,
)
from benchmark.task import Card
from benchmark.trimming import Coupling, couple
from tests.evidence.nets import calibrated

CARD = Card("t", "s", "MIT")


@pytest.fixture
def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))


@pytest.fixture
def coupling(model) -> Coupling:
    return couple(model, (torch.zeros(2, 3),))


def scores(criterion, coupling, model, seed=0, scale=by_mean):
    rows = calibrated(torch.randn(8, 3))
    evidence = gather(criterion.needs, coupling, model.state_dict(), lambda: model, rows, seed)
    found = score_units(coupling, evidence, criterion)
    require_ranking(found, criterion)
    return comparable(coupling, found, scale, seed)


def scored(function, coupling, model, needs=("weights",), seed=0):
    return scores(Criterion("mine", CARD, needs, function), coupling, model, seed)


def test_magnitude_is_the_sum_of_absolute_incoming_weights_over_the_mean_of_its_group(model, coupling):
    (group,) = coupling.groups
    expected = model[0].weight.abs().sum(1)
    got = scores(plugins.criterion("magnitude"), coupling, model, 0)[group.name]
    torch.testing.assert_close(got, (expected / expected.mean()).double().detach(), rtol=1e-6, atol=1e-9)


def test_random_depends_on_the_seed_alone(model, coupling):
    (group,) = coupling.groups
    criterion = plugins.criterion("random")
    first = scores(criterion, coupling, model, 1)[group.name]
    torch.nn.init.zeros_(model[0].weight)
    again = scores(criterion, coupling, model, 1)[group.name]
    other = scores(criterion, coupling, model, 2)[group.name]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_evidence_that_was_not_asked_for_is_not_there(model, coupling):
    seen = []

    def score(group, evidence: Evidence):
        seen.append(evidence)
        return torch.arange(5.0)

    scored(score, coupling, model, needs=())
    assert seen == [Evidence()]


def test_a_criterion_cannot_change_the_net(model, coupling):
    before = model[0].weight.detach().clone()

    def score(group, evidence):
        evidence.weights[0].zero_()
        return torch.arange(5.0)

    scored(score, coupling, model)
    assert torch.equal(model[0].weight, before)


def boom(group, evidence):
    raise ZeroDivisionError("by nought")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (boom, r"criterion 'mine' on group '0' raised ZeroDivisionError: by nought"),
        (lambda g, e: torch.ones(4), r"gave \(4,\), wanted a tensor of shape \(5,\)"),
        (lambda g, e: torch.ones(5, 1), r"gave \(5, 1\), wanted"),
        (lambda g, e: [1.0] * 5, r"gave list, wanted"),
        (lambda g, e: torch.tensor([1, 2, 3, 4, float("nan")]), r"1 scores that are not finite"),
        (lambda g, e: torch.tensor([1, 2, 3, float("inf"), float("nan")]), r"2 scores that are not finite"),
        (lambda g, e: torch.ones(5), r"gave every unit of a group the same score"),
        (lambda g, e: torch.zeros(5), r"gave every unit of a group the same score"),
    ],
)
def test_unusable_scores_are_refused_in_one_line(function, message, model, coupling):
    with pytest.raises(CriterionError, match=message) as caught:
        scored(function, coupling, model)
    assert "\n" not in str(caught.value)


def test_equal_scores_are_ordered_by_the_seed(model, coupling):
    (group,) = coupling.groups

    def mostly_equal(group, evidence):
        return torch.tensor([0.0, 1, 1, 1, 1])

    orders = {tuple(scored(mostly_equal, coupling, model, seed=s)[group.name].argsort().tolist()) for s in range(20)}
    assert len(orders) > 5
    assert all(order[0] == 0 for order in orders)
    same = [scored(mostly_equal, coupling, model, seed=3)[group.name] for _ in range(2)]
    assert torch.equal(*same)


def test_unknown_evidence_is_a_usage_error():
    with pytest.raises(UsageError, match="needs 'tea leaves', which no one gathers; known: weights, gradients"):
        Criterion("mine", CARD, ("tea leaves",), boom)


def test_every_baseline_has_a_card_with_source_and_licence():
    for name in plugins.criteria():
        card = plugins.criterion(name).card
        assert card.title and card.source and card.licence, name


def test_the_ten_line_example_of_the_contract_is_a_criterion(model, coupling):
    contract = module.__doc__ or ""
    lines = [line[4:] for line in contract.splitlines() if line.startswith("    ")]
    assert len(lines) <= 10
    found: dict = {}
    exec("\n".join(lines), found)
    mine = Criterion("mine", found["card"], found["needs"], found["score"])
    expected = scores(plugins.criterion("magnitude"), coupling, model)
    assert all(torch.equal(value, expected[name]) for name, value in scores(mine, coupling, model).items())


@pytest.mark.parametrize(
    ("scale", "divisor"),
    [(by_mean, 3.0), (by_maximum, 6.0), (by_dimension, 3.0), (by_nothing, 1.0)],
)
def test_scores_are_divided_by_what_the_scale_says(scale, divisor, model, coupling):
    raw = torch.tensor([6.0, -3.0, 0.0, 3.0, 3.0])
    found = scores(Criterion("mine", CARD, (), lambda g, e: raw), coupling, model, scale=scale)
    torch.testing.assert_close(found["0"], (raw / divisor).double(), rtol=0, atol=1e-11)


def test_the_dimension_of_a_recurrent_unit_is_all_its_weights():
    net = torch.nn.Sequential(torch.nn.GRU(3, 4, bidirectional=True), First(), torch.nn.Linear(8, 2))
    coupling = couple(net, (torch.zeros(5, 2, 3),))
    (group,) = coupling.groups
    assert float(by_dimension(coupling, group, torch.ones(4))) == 2 * 3 * (3 + 4)
    small = coupling.trimmed({group.name: [0, 2]})
    assert float(by_dimension(small, small.groups[0], torch.ones(2))) == 2 * 3 * (3 + 2)


class First(torch.nn.Module):
    def forward(self, pair):
        return pair[0]


def test_ties_are_far_below_scores_of_any_size(model, coupling):
    tiny = 1e-20 * torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0], dtype=torch.float64)
    found = scores(Criterion("mine", CARD, (), lambda g, e: tiny), coupling, model, scale=by_nothing)["0"]
    assert found.argsort().tolist() == [0, 1, 2, 3, 4]
