"""Every criterion on a case whose answer is known."""

import math

import pytest
import torch
from torch import nn

from benchmark import plugins
from benchmark.criterion import Activations, Evidence
from benchmark.trimming import Group, couple
from tests.evidence.nets import evidence

WEIGHTS = [torch.tensor([[3.0, -4.0], [1.0, 1.0], [0.0, -2.0]]), torch.tensor([[0.0], [-6.0], [1.0]])]


def group(units):
    (found,) = couple(nn.Sequential(nn.Linear(2, units), nn.ReLU(), nn.Linear(units, 2)), (torch.zeros(2, 2),)).groups
    assert len(found) == units
    return found


def score(name: str, units: int, **given) -> list[float]:
    return plugins.criterion(name)(group(units), Evidence(**given)).tolist()


def noise(seed=0):
    return torch.Generator().manual_seed(seed)


def test_magnitude_adds_absolute_weights_of_all_writers():
    assert score("magnitude", 3, weights=WEIGHTS) == [7.0, 8.0, 3.0]


def test_magnitude_l2_is_the_length_of_all_weights_of_a_unit():
    assert score("magnitude_l2", 3, weights=WEIGHTS) == pytest.approx([5.0, math.sqrt(38), math.sqrt(5)])


def test_gradient_adds_absolute_gradients():
    assert score("gradient", 3, gradients=WEIGHTS) == [7.0, 8.0, 3.0]


def test_gradient_min_is_led_by_weights_without_gradient():
    first, second, third = score("gradient_min", 3, gradients=WEIGHTS)
    assert first == pytest.approx(1 / 3 + 1 / 4 + 1e7, rel=1e-4)
    assert second == pytest.approx(1 + 1 + 1 / 6, rel=1e-4)
    assert third == pytest.approx(1e7 + 1 / 2 + 1, rel=1e-4)


def test_gradient_of_a_linear_regression_is_its_closed_form():
    """y = v . Wx with a square loss: dL/dW = mean of 2 (y - t) v x'."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Linear(4, 1, bias=False))
    x, targets = torch.randn(8, 3), torch.randn(8)
    coupling, found = evidence(model, x, targets, size=4, needs=("gradients",))
    error = (x @ model[0].weight.T @ model[1].weight.T).flatten() - targets
    expected = torch.einsum("n,u,ni->ui", 2 * error / 8, model[1].weight[0], x).abs().sum(1)
    (name,) = found
    got = plugins.criterion("gradient")(coupling.groups[0], found[name])
    torch.testing.assert_close(got, expected.double(), rtol=1e-4, atol=1e-6)


def test_activation_is_the_mean_absolute_output():
    moments = torch.tensor([[2.0, 1.0, 3.0], [-2.0, 0.5, 0.0], [1.0, 1.0, 9.0], [0.0, 0.5, 0.0]])
    assert score("activation", 3, activations=Activations(*moments)) == [2.0, 1.0, 3.0]


def test_activation_puts_dead_units_last():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Conv1d(4, 1, 3))
    model[0].bias.data[2] = -100.0
    coupling, found = evidence(model, torch.randn(6, 1, 12), needs=("activations",))
    got = plugins.criterion("activation")(coupling.groups[0], found["0"])
    assert got[2] == 0.0 and got.argmin() == 2 and (got[[0, 1, 3]] > 0).all()


def test_normalization_adds_the_gains_and_is_random_where_there_is_none():
    gains = [torch.tensor([1.0, 0.5, 0.0]), torch.tensor([0.0, 0.25, 0.0])]
    assert score("normalization", 3, norms=gains, noise=noise()) == [1.0, 0.75, 0.0]
    assert score("normalization", 3, norms=[], noise=noise()) == score("random", 3, noise=noise())


def test_random_is_its_noise():
    assert score("random", 3, noise=noise(4)) == pytest.approx(torch.rand(3, generator=noise(4)).tolist())


def test_information_is_that_of_places_with_the_target():
    targets = torch.arange(1024) % 4
    outputs = torch.stack([targets.float(), torch.randn(1024, generator=noise()), torch.zeros(1024)])
    # The fourth unit knows the target at one of two places.
    both = torch.cat([outputs[:, None].expand(3, 2, 1024), torch.stack([outputs[0], outputs[2]])[None]])
    known, unrelated, dead, half = score("information", 4, outputs=both, targets=targets)
    assert known == pytest.approx(math.log(4), abs=0.01)
    assert abs(unrelated) < 0.02
    assert dead == 0.0
    assert half == pytest.approx(known / 2)


def test_information_on_the_input_is_that_of_a_channel_with_a_tenth_of_noise():
    values = torch.randn(3, 1, 4096, generator=noise()) * torch.tensor([0.0, 1.0, 2.0])[:, None, None]
    sigma = 0.1 * math.sqrt(5 / 3)
    dead, one, two = score("information_input", 3, outputs=values, noise=noise(1))
    assert dead == 0.0
    assert one == pytest.approx(0.5 * math.log(1 + 1 / sigma**2), abs=0.05)
    assert two == pytest.approx(0.5 * math.log(1 + 4 / sigma**2), abs=0.05)


def test_taylor_is_the_mean_over_rows_of_absolute_terms():
    terms = torch.tensor([[1.0, -1.0], [0.5, 0.5], [0.0, 0.0]])
    assert score("taylor", 3, taylor=terms) == [1.0, 0.5, 0.0]


def test_lamp_is_the_paper_s_formula_on_lengths():
    weights = [torch.tensor([[2.0], [1.0], [3.0], [0.0]])]
    assert score("lamp", 4, weights=weights) == pytest.approx([4 / 13, 1 / 14, 1.0, 0.0])


def test_lamp_has_a_score_for_units_that_are_all_zero():
    assert score("lamp", 3, weights=[torch.zeros(3, 2)]) == [0.0, 0.0, 0.0]


def test_fpgm_adds_distances_so_that_the_middle_goes_first():
    weights = [torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])]
    assert score("fpgm", 3, weights=weights) == pytest.approx([15.0, 10.0, 15.0])


def test_a_recurrent_unit_is_one_unit_over_its_gates_layers_and_directions():
    torch.manual_seed(0)
    model = nn.Sequential(nn.GRU(3, 4, 2, bidirectional=True, batch_first=True), _First(), nn.Linear(8, 1))
    x = torch.randn(6, 5, 3)
    coupling, found = evidence(model, x)
    (recurrent,) = (g for g in coupling.groups if isinstance(g, Group))
    for name in plugins.criteria():
        assert plugins.criterion(name)(recurrent, found[recurrent.name]).shape == (4,)
    weights = [p.detach() for n, p in model[0].named_parameters() if n.startswith("weight")]
    assert len(weights) == 8
    expected = sum(w.view(3, 4, -1).abs().sum((0, 2)) for w in weights)
    got = plugins.criterion("magnitude")(recurrent, found[recurrent.name])
    torch.testing.assert_close(got, expected.double(), rtol=1e-5, atol=1e-6)
    states = model[0](x)[0].detach()
    expected = states.abs().view(6, 5, 2, 4).mean((0, 1, 2))
    got = plugins.criterion("activation")(recurrent, found[recurrent.name])
    torch.testing.assert_close(got, expected.double(), rtol=1e-5, atol=1e-6)


class _First(nn.Module):
    def forward(self, pair):
        return pair[0]


def test_every_criterion_ranks_a_trained_like_net_and_prefers_a_unit_that_does_something():
    """One unit is cut off from input and output; none that looks at the net keeps it over all others."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
    with torch.no_grad():
        model[0].weight[3], model[0].bias[3], model[2].weight[:, 3] = 0.0, 0.0, 0.0
    x = torch.randn(256, 6)
    coupling, found = evidence(model, x, x.sum(1))
    for name in set(plugins.criteria()) - {"random", "normalization", "gradient_min"}:
        got = plugins.criterion(name)(coupling.groups[0], found["0"])
        assert got.argmin() == 3 or name == "fpgm", name
    assert plugins.criterion("gradient_min")(coupling.groups[0], found["0"]).argmax() == 3
