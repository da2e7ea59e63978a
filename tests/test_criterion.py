import pytest
import torch

from benchmark import plugins
from benchmark.criterion import Criterion, Evidence
from benchmark.errors import CriterionError, UsageError
from benchmark.selection import score_units
from benchmark.task import Card
from benchmark.trimming import Coupling, couple

CARD = Card("t", "s", "MIT")


@pytest.fixture
def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))


@pytest.fixture
def coupling(model) -> Coupling:
    return couple(model, (torch.zeros(2, 3),))


def scored(function, coupling, model, needs=("weights",), seed=0):
    return score_units(coupling, model.state_dict(), Criterion("mine", CARD, needs, function), seed)


def test_magnitude_is_the_sum_of_absolute_incoming_weights_over_the_mean_of_its_group(model, coupling):
    (group,) = coupling.groups
    expected = model[0].weight.abs().sum(1)
    got = score_units(coupling, model.state_dict(), plugins.criterion("magnitude"), 0)[group.name]
    torch.testing.assert_close(got, (expected / expected.mean()).double().detach(), rtol=1e-6, atol=1e-9)


def test_random_depends_on_the_seed_alone(model, coupling):
    (group,) = coupling.groups
    criterion = plugins.criterion("random")
    first = score_units(coupling, model.state_dict(), criterion, 1)[group.name]
    torch.nn.init.zeros_(model[0].weight)
    again = score_units(coupling, model.state_dict(), criterion, 1)[group.name]
    other = score_units(coupling, model.state_dict(), criterion, 2)[group.name]
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
    with pytest.raises(UsageError, match="needs 'tea leaves', which no one gathers; known: weights, noise"):
        Criterion("mine", CARD, ("tea leaves",), boom)


def test_every_baseline_has_a_card_with_source_and_licence():
    for name in plugins.criteria():
        card = plugins.criterion(name).card
        assert card.title and card.source and card.licence, name
