"""Sums, samples, gradients and Taylor terms, against what is computed another way."""

import pytest
import torch
from torch import nn

from benchmark.criterion import EVIDENCE, Evidence
from benchmark.errors import BenchError
from benchmark.evidence import calibration, gather
from benchmark.evidence.calibration import BATCHES, ROWS
from benchmark.evidence.sums import PLACES
from benchmark.trimming import couple, load
from tests.evidence.nets import calibrated, evidence, mean_square
from tests.evidence.test_reading import Recurrent, Twice
from tests.toy_task import Chirps, Toy


def conv_net():
    torch.manual_seed(0)
    layers = (nn.Conv1d(1, 4, 3), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Conv1d(4, 3, 3), nn.Flatten())
    model = nn.Sequential(*layers, nn.Linear(3 * 12, 1))
    model(torch.randn(8, 1, 16))
    return model


INPUTS = torch.randn(12, 1, 16, generator=torch.Generator().manual_seed(1))


def test_what_is_not_needed_is_not_there_and_the_model_is_not_made():
    model = conv_net()
    coupling = couple(model, (INPUTS[:2],))

    def never():
        raise AssertionError("not to be called")

    found = gather(("noise",), coupling, model.state_dict(), never, calibrated(INPUTS), 0)
    assert all(e == Evidence(noise=e.noise) for e in found.values())
    found = gather((), coupling, model.state_dict(), never, calibrated(INPUTS), 0)
    assert all(e == Evidence() for e in found.values())


def test_moments_are_those_of_all_values_whatever_the_batches():
    model = conv_net()
    _, whole = evidence(model, INPUTS, needs=("activations",))
    _, parts = evidence(model, INPUTS, size=3, needs=("activations",))
    model.eval()
    values = model[:3](INPUTS).detach().double().permute(1, 0, 2).flatten(1)
    for found in (whole["0"].activations, parts["0"].activations):
        torch.testing.assert_close(found.absolute, values.abs().mean(1), rtol=1e-6, atol=0)
        torch.testing.assert_close(found.mean, values.mean(1), rtol=1e-6, atol=0)
        torch.testing.assert_close(found.variance, values.var(1, correction=0), rtol=1e-6, atol=1e-12)
        torch.testing.assert_close(found.zeros, (values == 0).double().mean(1))
        assert 0 < found.zeros.min() < found.zeros.max() < 1


def test_the_model_runs_in_eval_mode_and_is_left_as_it_was():
    model = conv_net().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    _, first = evidence(model, INPUTS)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert not any(module._forward_pre_hooks for module in model.modules())
    _, again = evidence(model, INPUTS)
    assert torch.equal(first["0"].taylor, again["0"].taylor)


def test_the_sample_has_fixed_places_of_every_row():
    model = conv_net()
    _, found = evidence(model, INPUTS, size=4, needs=("outputs", "targets"))
    model.eval()
    values = model[:3](INPUTS).detach().permute(1, 2, 0)
    outputs = found["0"].outputs
    assert outputs.shape == (4, PLACES, 12)
    chosen = [(2 * i + 1) * 14 // (2 * PLACES) for i in range(PLACES)]
    torch.testing.assert_close(outputs, values[:, chosen])
    assert torch.equal(found["0"].targets, torch.linspace(-1, 1, 12))


def test_gradients_are_those_of_the_mean_loss_of_all_rows():
    model = conv_net()
    targets = torch.randn(12)
    _, found = evidence(model, INPUTS, targets, size=4, needs=("weights", "gradients"))
    model.eval()
    mean_square(model(INPUTS), targets).backward()
    for group, layer in (("0", model[0]), ("4", model[4])):
        (slope,) = found[group].gradients
        torch.testing.assert_close(slope, layer.weight.grad.flatten(1), rtol=1e-4, atol=1e-7)
        assert slope.shape == found[group].weights[0].shape


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning")
@pytest.mark.parametrize("norm", [nn.utils.parametrizations.weight_norm, nn.utils.weight_norm])
def test_with_weight_norm_gradients_are_by_the_weights_that_the_layer_uses(norm):
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv1d(1, 4, 3), nn.Tanh(), nn.Conv1d(4, 1, 3))
    _, expected = evidence(plain, INPUTS, needs=("gradients",))
    with torch.no_grad():
        norm(plain[0])
    # Another length of the direction, of which the weight does not depend.
    (direction,) = (p for n, p in plain[0].named_parameters() if n.endswith(("weight_v", "original1")))
    direction.data *= torch.tensor([0.5, 2.0, 3.0, 1.0])[:, None, None]
    _, found = evidence(plain, INPUTS, needs=("gradients",))
    torch.testing.assert_close(found["0"].gradients[0], expected["0"].gradients[0], rtol=1e-4, atol=1e-7)


def test_a_frozen_parameter_has_no_gradient():
    model = conv_net()
    model[0].requires_grad_(False)
    _, found = evidence(model, INPUTS, needs=("gradients",))
    assert not found["0"].gradients[0].any()
    assert found["4"].gradients[0].any()


def test_norms_are_the_absolute_gains_of_the_norms_that_scale_the_units():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.PReLU(4), nn.LayerNorm(4), nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
    nn.init.uniform_(model[2].weight, -1, 1)
    _, found = evidence(model, torch.randn(4, 3), needs=("norms",))
    (gain,) = found["0"].norms
    assert torch.equal(gain, model[2].weight.detach().abs())
    assert found["3"].norms == []


def test_taylor_terms_are_derivatives_by_a_gate_at_every_reader():
    torch.manual_seed(0)
    model, x, targets = Twice().double(), torch.randn(6, 3, dtype=torch.float64), torch.randn(6)
    _, found = evidence(model, x, targets, size=3, needs=("taylor",))
    (terms,) = (e.taylor for e in found.values())
    gates = torch.ones(6, dtype=torch.float64, requires_grad=True)
    for layer in (model.shared, model.out):
        layer.register_forward_pre_hook(lambda module, inputs: (inputs[0] * gates,))
    for row in range(6):
        (slope,) = torch.autograd.grad(mean_square(model(x[row : row + 1]), targets[row : row + 1]), gates)
        torch.testing.assert_close(terms[:, row], slope.float(), rtol=1e-5, atol=1e-7)


def test_taylor_terms_are_what_the_loss_changes_by_when_a_unit_is_damped():
    model = conv_net().double()
    targets = torch.randn(12)
    _, found = evidence(model, INPUTS.double(), targets, needs=("taylor",))
    model.eval()
    outputs = model[:3](INPUTS.double()).detach()
    whole = mean_square(model[3:](outputs), targets).detach()
    for unit in range(4):
        damped = outputs.clone()
        damped[:, unit] *= 1 - 1e-6
        change = whole - mean_square(model[3:](damped), targets).detach()
        assert float(found["0"].taylor[unit].mean()) == pytest.approx(float(change) / 1e-6, rel=1e-3, abs=1e-6)


def test_taylor_terms_add_up_to_weights_times_gradients_of_the_readers():
    """For a linear reader, sum of a dL/da over rows is the sum of w dL/dw over the weights that read the unit."""
    torch.manual_seed(0)
    model, x = Recurrent(nn.GRU, True, 1).eval(), torch.randint(9, (5, 7))
    targets = torch.randn(5)
    _, found = evidence(model, x, targets, needs=("taylor",))
    mean_square(model(x), targets).backward()
    product = (model.out.weight * model.out.weight.grad).sum(0)
    torch.testing.assert_close(found["recurrent"].taylor.mean(1), product.view(2, 4).sum(0), rtol=1e-4, atol=1e-6)
    product = sum((w * w.grad).sum(0) for n, w in model.recurrent.named_parameters() if "weight_ih" in n)
    torch.testing.assert_close(found["words"].taylor.mean(1), product, rtol=1e-4, atol=1e-6)


def test_memory_for_a_unit_does_not_grow_with_the_length_of_its_output():
    model = nn.Sequential(nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Conv1d(4, 2, 3))
    for length in (20, 2000):
        _, found = evidence(model, torch.randn(6, 1, length))
        tensors = [found["0"].outputs, found["0"].taylor, *vars(found["0"].activations).values()]
        assert sum(t.numel() for t in tensors) == 4 * (6 * PLACES + 6 + 4)


def test_a_trimmed_net_gives_the_evidence_of_its_own_units():
    model = conv_net()
    coupling = couple(model, (INPUTS[:2],))
    keep = {"0": [0, 2, 3], "4": [1, 2]}
    small = load(conv_net(), coupling.plan(keep).apply(model.state_dict()), coupling.stored)
    trimmed = coupling.trimmed(keep)
    found = gather(EVIDENCE, trimmed, small.state_dict(), lambda: small, calibrated(INPUTS), 0)
    small.eval()
    values = small[:3](INPUTS).detach().double().permute(1, 0, 2).flatten(1)
    torch.testing.assert_close(found["0"].activations.absolute, values.abs().mean(1), rtol=1e-6, atol=0)
    assert found["4"].taylor.shape == (2, 12)


def test_calibration_rows_are_drawn_once_from_usable_rows_in_whole_batches():
    split = Chirps(61, 0)
    rows = calibration(Toy(), split, 32, seed=5)
    assert len(rows.rows) == 32 and torch.equal(rows.rows, rows.rows.unique())
    assert torch.equal(rows.rows, calibration(Toy(), split, 32, seed=5).rows)
    assert not torch.equal(rows.rows, calibration(Toy(), split, 32, seed=6).rows)
    assert [len(batch.inputs) for batch in calibration(Toy(), split, 16, seed=5).batches()] == [16] * 3
    assert len(calibration(Toy(), Chirps(2000, 0), 16, seed=5).rows) == BATCHES * 16 < ROWS
    assert len(calibration(Toy(), Chirps(2000, 0), 128, seed=5).rows) == ROWS
    assert len(calibration(Toy(), Chirps(20, 0), 32, seed=5).rows) == 20

    class Empty(Toy):
        def rows(self, split):
            return []

    with pytest.raises(BenchError, match="no row of the validation split has a usable target"):
        calibration(Empty(), split, 32, seed=5)

    class Picky(Toy):
        def rows(self, split):
            return range(0, 61, 2)

    assert (calibration(Picky(), split, 8, seed=5).rows % 2 == 0).all()


def test_the_summary_of_a_target_is_itself_or_its_mean():
    task = Toy()
    assert torch.equal(task.target_summary(torch.tensor([3, 1])), torch.tensor([3, 1]))
    several = torch.tensor([[0, 1, 1, 0], [0, 0, 0, 0]])
    assert torch.equal(task.target_summary(several), torch.tensor([0.5, 0.0], dtype=torch.float64))
