"""The output of a unit is what its readers are given, whatever the layers."""

import pytest
import torch
from torch import nn

from benchmark.errors import BenchError
from benchmark.evidence.reading import observed, places
from benchmark.trimming import couple
from tests.evidence.nets import evidence
from tests.trimming.published import PUBLISHED
from tests.trimming.zoo import ZOO

CASES = {**ZOO, **PUBLISHED}


def readings(model, inputs, protect=()):
    """Group -> readings as (units, rows, places)."""
    coupling = couple(model, (inputs[:2],), protect)
    model.eval()
    found = {}
    with observed(model, places(model, coupling), apart=False) as seen, torch.no_grad():
        model(inputs)
    for reading in seen:
        found.setdefault(reading.place.group, []).append(reading.units(reading.input, len(inputs)))
    return found


@pytest.mark.parametrize("name", CASES)
def test_every_group_of_every_kind_of_net_is_observed(name):
    case = CASES[name]
    torch.manual_seed(0)
    model, inputs = case.build().eval(), case.inputs()
    coupling = couple(model, inputs, protect=case.protect)
    with observed(model, places(model, coupling), apart=False) as seen, torch.no_grad():
        model(*inputs)
    widths = coupling.widths
    found = {}
    for reading in seen:
        units = reading.units(reading.input, len(inputs[0]))
        assert units.shape[:2] == (widths[reading.place.group], len(inputs[0]))
        found[reading.place.group] = found.get(reading.place.group, 0) + units.shape[2]
    assert set(found) == set(widths)
    assert min(found.values()) > 0


def test_of_a_convolution_it_is_taken_after_norm_activation_and_pooling():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 3), nn.BatchNorm1d(4), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(4, 2, 3))
    x = torch.randn(5, 1, 16)
    (reading,) = readings(model, x)["0"]
    expected = model[:4](x)
    assert torch.equal(reading, expected.permute(1, 0, 2))


def test_of_a_flattened_map_each_unit_has_its_own_places():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 6, 2))
    x = torch.randn(5, 1, 8)
    (reading,) = readings(model, x)["0"]
    assert torch.equal(reading, model[0](x).permute(1, 0, 2))


def test_of_a_transposed_convolution_and_of_one_that_reads():
    torch.manual_seed(0)
    model = nn.Sequential(nn.ConvTranspose1d(2, 6, 4, stride=2), nn.Tanh(), nn.ConvTranspose1d(6, 1, 3))
    x = torch.randn(3, 2, 5)
    (reading,) = readings(model, x)["0"]
    assert torch.equal(reading, model[:2](x).permute(1, 0, 2))


class Recurrent(nn.Module):
    def __init__(self, kind, batch_first, layers):
        super().__init__()
        self.batch_first = batch_first
        self.words = nn.Embedding(9, 5)
        self.recurrent = kind(5, 4, layers, batch_first=batch_first, bidirectional=True)
        self.out = nn.Linear(8, 2)

    def hidden(self, x):
        x = self.words(x)
        return self.recurrent(x if self.batch_first else x.transpose(0, 1))[0]

    def forward(self, x):
        y = self.out(self.hidden(x))
        return y if self.batch_first else y.transpose(0, 1)


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM, nn.RNN])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
def test_of_a_recurrent_unit_it_is_the_last_layer_s_output_in_both_directions(kind, batch_first, layers):
    torch.manual_seed(0)
    model = Recurrent(kind, batch_first, layers).eval()
    # As many rows as steps, so that only the layer can say which dim is which.
    x = torch.randint(9, (6, 6))
    found = readings(model, x)
    (words,) = found["words"]
    assert torch.equal(words, model.words(x).permute(2, 0, 1).detach())
    (states,) = found["recurrent"]
    hidden = model.hidden(x) if batch_first else model.hidden(x).transpose(0, 1)
    forward, backward = hidden.detach().split(4, 2)
    if batch_first:
        expected = torch.stack([forward, backward], 3).permute(2, 0, 1, 3).flatten(2)
        assert torch.equal(states, expected)
    else:
        # A linear layer does not say where the rows are; with as many rows as steps the first dim is taken.
        assert states.shape == (4, 6, 12)


def test_rows_are_found_behind_the_steps():
    torch.manual_seed(0)
    model = Recurrent(nn.GRU, False, 1).eval()
    x = torch.randint(9, (3, 7))
    (states,) = readings(model, x)["recurrent"]
    forward, backward = model.hidden(x).transpose(0, 1).detach().split(4, 2)
    assert torch.equal(states, torch.stack([forward, backward], 3).permute(2, 0, 1, 3).flatten(2))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(3, 8) for _ in range(3))
        self.out = nn.Linear(8, 2)

    def mixed(self, x):
        q, k, v = (layer(x).unflatten(2, (-1, 2)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        return nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)

    def forward(self, x):
        return self.out(self.mixed(x))


def test_of_a_head_it_is_what_attention_gives_for_it():
    torch.manual_seed(0)
    model = Attention().eval()
    x = torch.randn(3, 5, 3)
    ((heads,),) = readings(model, x).values()
    expected = model.mixed(x).detach().unflatten(2, (4, 2)).permute(2, 0, 1, 3).flatten(2)
    assert torch.equal(heads, expected)


class Twice(nn.Module):
    """A residual stream that one shared layer reads twice."""

    def __init__(self):
        super().__init__()
        self.front, self.shared, self.out = nn.Linear(3, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def stream(self, x):
        first = self.front(x)
        second = first + self.shared(first).relu()
        return first, second, second + self.shared(second).relu()

    def forward(self, x):
        return self.out(self.stream(x)[-1])


def test_a_shared_layer_that_is_called_twice_is_two_readings():
    torch.manual_seed(0)
    model = Twice()
    x = torch.randn(4, 3)
    (found,) = readings(model, x).values()
    assert len(found) == 3
    for reading, expected in zip(found, model.stream(x), strict=True):
        assert torch.equal(reading[:, :, 0], expected.detach().T)


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.front, self.weight = nn.Linear(3, 6), nn.Parameter(torch.randn(6, 2))

    def forward(self, x):
        return self.front(x) @ self.weight


def test_a_group_that_only_unknown_layers_read_is_refused_by_name():
    with pytest.raises(
        BenchError, match="the output of group 'front' cannot be observed: it is read by the model itself"
    ):
        evidence(Own(), torch.randn(4, 3), needs=("activations",))
    _, found = evidence(Own(), torch.randn(4, 3), needs=("weights", "gradients"))
    assert found["front"].gradients[0].shape == (6, 3)
