"""Masks: zero where a cut would cut, or where weights are smallest, and nowhere else."""

import pytest
import torch
from torch import nn

from benchmark.trimming import couple, load
from benchmark.trimming.masking import hold, unit_mask, weight_floor, weight_mask


class Net(nn.Module):
    """A channel that is a row, a gain, a shift, columns of a flatten, and a unit of a GRU in three gates."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 4, 3)
        self.norm = nn.BatchNorm1d(4)
        self.gru = nn.GRU(4, 5, batch_first=True)
        self.flat = nn.Linear(4 * 6 + 5, 7)
        self.out = nn.Linear(7, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.sigmoid(self.norm(self.conv(x)))
        last = self.gru(x.transpose(1, 2))[0][:, -1]
        return self.out(torch.relu(self.flat(torch.cat([x.flatten(1), last], 1))))


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net().eval()


EXAMPLE = torch.randn(3, 2, 8, generator=torch.Generator().manual_seed(1))


def half(coupling):
    return {group.name: list(range(len(group)))[::2] for group in coupling.groups}


def test_a_masked_net_computes_what_the_cut_one_does(net):
    coupling = couple(net, (EXAMPLE,), protect=("out",))
    keep = half(coupling)
    assert len(keep) == 3
    before = net(EXAMPLE)
    hold(net, unit_mask(coupling, keep))
    cut = load(Net().eval(), coupling.plan(keep).apply(net.state_dict()))
    assert cut.conv.out_channels == 2
    assert (net(EXAMPLE) - before).abs().max() > 0.01
    torch.testing.assert_close(net(EXAMPLE), cut(EXAMPLE), atol=1e-6, rtol=0)


def test_every_place_of_a_dropped_unit_is_zero_and_no_other_is(net):
    coupling = couple(net, (EXAMPLE,), protect=("out",))
    keep = half(coupling)
    before = {name: value.detach().clone() for name, value in net.named_parameters()}
    hold(net, unit_mask(coupling, keep))
    expected = {name: value.clone() for name, value in before.items()}
    for group in coupling.groups:
        for axis in group.axes:
            for unit in set(range(len(group))) - set(keep[group.name]):
                if axis.tensor in expected:
                    expected[axis.tensor].movedim(axis.dim, 0)[list(axis.positions[unit])] = 0
    for name, value in net.named_parameters():
        assert torch.equal(value, expected[name]), name
    left = sum(int(p.count_nonzero()) for p in net.parameters() if p is not net.norm.bias)
    assert left == coupling.parameters({name: len(units) for name, units in keep.items()}) - 2


def test_units_that_are_not_there_are_refused(net):
    coupling = couple(net, (EXAMPLE,), protect=("out",))
    with pytest.raises(ValueError, match="has units 0 to 3, not 4"):
        unit_mask(coupling, {"conv": [0, 4]})


def test_a_weight_norm_is_refused_for_it_would_divide_nought_by_nought(net):
    nn.utils.parametrizations.weight_norm(net.flat)
    coupling = couple(net, (EXAMPLE,), protect=("out",))
    with pytest.raises(ValueError, match=r"flat\.parametrizations\.weight\.original1 is divided by its length"):
        unit_mask(coupling, half(coupling))


STATE = {
    "a.weight": torch.tensor([[5.0, -0.1], [0.3, -4.0]]),
    "a.bias": torch.tensor([0.0, 0.01]),
    "b.weight": torch.tensor([[0.02, -0.04, 0.03]]),
    "mean": torch.zeros(9),
}
LEARNABLE = frozenset(STATE) - {"mean"}


@pytest.mark.parametrize(
    ("budget", "a", "b"),
    [
        (9, [[1, 1], [1, 1]], [[1, 1, 1]]),
        (7, [[1, 1], [1, 1]], [[0, 1, 0]]),
        (5, [[1, 0], [0, 1]], [[0, 1, 0]]),
        (4, [[1, 0], [0, 0]], [[0, 1, 0]]),
    ],
)
def test_the_smallest_weights_of_all_go_and_each_tensor_keeps_its_largest(budget, a, b):
    masks = weight_mask(STATE, LEARNABLE, budget)
    assert {name: mask.int().tolist() for name, mask in masks.items()} == {"a.weight": a, "b.weight": b}
    assert STATE["a.weight"][0, 0] == 5.0


def test_below_biases_norms_and_a_weight_each_there_is_no_mask():
    assert weight_floor(STATE, LEARNABLE) == 4
    with pytest.raises(ValueError, match="a budget of 3 is below 4: biases, norms and one weight a tensor"):
        weight_mask(STATE, LEARNABLE, 3)


def test_what_is_zero_already_stays_out():
    torch.manual_seed(0)
    state = {"a": torch.randn(20, 30), "b": torch.randn(40, 3)}
    first = weight_mask(state, state, 300)
    trained = {name: (value + torch.randn_like(value)) * first[name] for name, value in state.items()}
    second = weight_mask(trained, state, 200)
    assert all((second[name] <= first[name]).all() for name in state)
    assert sum(int(mask.sum()) for mask in second.values()) == 200


def test_equal_weights_are_chosen_alike_and_to_the_number():
    state = {"a": torch.ones(50, 50), "b": torch.ones(50, 50)}
    masks = weight_mask(state, state, 1234)
    assert sum(int(mask.sum()) for mask in masks.values()) == 1234
    assert all(torch.equal(mask, weight_mask(state, state, 1234)[name]) for name, mask in masks.items())


def test_a_tied_tensor_is_held_under_both_names():
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    net[1].weight = net[0].weight
    learnable = [name for name, _ in net.named_parameters()]
    hold(net, weight_mask(net.state_dict(), learnable, 5))
    assert int(net[0].weight.count_nonzero()) == 5
    assert net[1].weight is net[0].weight
