"""The row of a unit holds just the weights that compute it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from benchmark.trimming import Group, couple, load
from tests.trimming.nets import Net, between


def group(model: nn.Module, *inputs: Tensor, index: int = 0) -> Group:
    return couple(model, inputs).groups[index]


def test_conv_and_transposed_conv() -> None:
    model = nn.Sequential(nn.Conv2d(2, 5, (3, 2)), nn.ConvTranspose2d(5, 4, 2), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
    coupling, state = couple(model, (torch.randn(2, 2, 6, 6),)), model.state_dict()
    (rows,) = coupling.groups[0].weights(state)
    assert torch.equal(rows, model[0].weight.reshape(5, 2 * 3 * 2))
    (rows,) = coupling.groups[1].weights(state)
    assert rows.shape == (4, 5 * 2 * 2)
    for unit in range(4):
        assert torch.equal(rows[unit], model[1].weight[:, unit].flatten())


def test_linear_rows_are_copies() -> None:
    model = nn.Sequential(nn.Linear(3, 6), nn.LayerNorm(6), nn.Linear(6, 1))
    before = model[0].weight.detach().clone()
    (rows,) = group(model, torch.randn(2, 3)).weights(model.state_dict())
    assert torch.equal(rows, before)
    rows.zero_()
    assert torch.equal(model[0].weight, before)
    assert not rows.requires_grad


def test_embedding() -> None:
    model = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 1))
    (rows,) = group(model, torch.tensor([[1, 2]])).weights(model.state_dict())
    assert torch.equal(rows, model[0].weight.T)


def test_one_tensor_for_each_writer() -> None:
    net = Net(lambda s, x: s.o(s.a(x) + s.b(x)), a=nn.Linear(4, 6), b=nn.Linear(4, 6), o=nn.Linear(6, 1))
    found = group(net, torch.randn(2, 4))
    assert (found.writers, found.readers) == (("a", "b"), ("o",))
    first, second = found.weights(net.state_dict())
    assert torch.equal(first, net.a.weight)
    assert torch.equal(second, net.b.weight)


def test_halves_of_a_gate_stand_side_by_side() -> None:
    model = between(lambda h: nn.functional.glu(h, -1), wide=8, after=4)
    (rows,) = group(model, torch.randn(2, 4, 6)).weights(model.state_dict())
    assert torch.equal(rows, torch.cat([model.a.weight[:4], model.a.weight[4:]], 1))


def test_gates_layers_and_directions_of_a_recurrent_unit_stand_side_by_side() -> None:
    net = Net(
        lambda s, x: s.o(s.r(x)[0]),
        r=nn.LSTM(3, 5, num_layers=2, bidirectional=True, batch_first=True),
        o=nn.Linear(10, 1),
    )
    found = group(net, torch.randn(2, 4, 3))
    assert (len(found), found.writers, found.readers) == (5, ("r",), ("r", "o"))
    (rows,) = found.weights(net.state_dict())
    assert rows.shape == (5, 2 * 4 * (3 + 5) + 2 * 4 * (10 + 5))
    for unit in range(5):
        own = [
            weight[gate * 5 + unit]
            for name, weight in net.r.named_parameters()
            if name.startswith("weight")
            for gate in range(4)
        ]
        assert torch.equal(rows[unit].sort().values, torch.cat(own).sort().values)


def test_rows_after_a_cut_are_the_rows_that_were_kept() -> None:
    net = Net(lambda s, x: s.o(s.r(s.a(x))[0]), a=nn.Linear(3, 6), r=nn.GRU(6, 5, 2), o=nn.Linear(5, 1))
    coupling = couple(net, (torch.randn(4, 2, 3),))
    before = [found.weights(net.state_dict()) for found in coupling.groups]
    load(net, coupling.plan({"r": [1, 4]}).apply(net.state_dict()))
    after = [found.weights(net.state_dict()) for found in coupling.trimmed({"r": [1, 4]}).groups]
    assert torch.equal(after[0][0], before[0][0])
    (dense,), (trimmed,) = before[1], after[1]
    assert trimmed.shape == (2, 3 * (6 + 2 + 2 + 2))
    for row, unit in enumerate((1, 4)):
        assert set(trimmed[row].tolist()) <= set(dense[unit].tolist())


def test_a_state_of_another_model_is_refused() -> None:
    model = nn.Sequential(nn.Linear(3, 6), nn.Linear(6, 1))
    found = group(model, torch.randn(2, 3))
    with pytest.raises(ValueError, match=r"the state has no '0\.weight', which writes group '0'"):
        found.weights({})
    with pytest.raises(ValueError, match=r"0.weight has shape \(5, 3\), too small at dim 0 for '0'"):
        found.weights({"0.weight": torch.zeros(5, 3)})


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("norm", [nn.utils.weight_norm, nn.utils.parametrizations.weight_norm])
@pytest.mark.parametrize("dim", [0, 1, None])
def test_under_weight_norm_they_are_what_the_layer_multiplies_with(norm: Callable[..., nn.Module], dim: int) -> None:
    model = nn.Sequential(norm(nn.Conv1d(3, 6, 2), dim=dim), nn.Conv1d(6, 1, 1))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("_g", "original0")):
                parameter.mul_(torch.rand_like(parameter) + 0.5)
        model(torch.randn(2, 3, 9))
    (rows,) = group(model, torch.randn(2, 3, 9)).weights(model.state_dict())
    torch.testing.assert_close(rows, model[0].weight.reshape(6, 3 * 2))


def test_a_depthwise_layer_writes_the_units_that_it_passes_on() -> None:
    model = nn.Sequential(nn.Conv1d(3, 6, 1), nn.Conv1d(6, 6, 5, groups=6), nn.Conv1d(6, 1, 1))
    first, second = group(model, torch.randn(2, 3, 9)).weights(model.state_dict())
    assert torch.equal(first, model[0].weight.reshape(6, 3))
    assert torch.equal(second, model[1].weight.reshape(6, 5))


def test_where_no_layer_writes_units_a_table_does() -> None:
    net = Net(lambda s, x: s.o(torch.relu(s.table)) + x, table=nn.Parameter(torch.randn(4, 7)), o=nn.Linear(7, 3))
    (rows,) = group(net, torch.randn(4, 3)).weights(net.state_dict())
    assert torch.equal(rows, net.table.T)
