"""`verify` sees what a trace cannot: numbers in the code, and couplings that are wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from benchmark.trimming import Coupling, Stored, couple, verify
from tests.trimming.nets import Net, between


class Reshapes(nn.Module):
    width: int

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), 6, self.width)


def stored_width() -> Net:
    """A net whose forward reshapes to a width that the module stores."""
    net = Net(lambda s, x: s.o(s.inner(s.a(x))), a=nn.Linear(4, 16), inner=Reshapes(), o=nn.Linear(16, 3))
    net.inner.width = 16
    return net


def test_where_a_cut_model_stops_is_told() -> None:
    net, x = stored_width(), (torch.randn(2, 6, 4),)
    coupling = couple(net, x)
    assert [str(entry) for entry in coupling.stored] == ["inner.width = size of a.weight at dim 0"]
    assert verify(net, x, coupling) <= 1e-12
    with pytest.raises(RuntimeError, match=r"the cut model stops in inner \(Reshapes\): .*written down as a number"):
        verify(net, x, replace(coupling, stored=()))


def test_a_computation_with_the_width_shows_as_a_difference() -> None:
    net, x = Net(lambda s, x: s.o(s.a(x) / s.width), a=nn.Linear(4, 16), o=nn.Linear(16, 3)), (torch.randn(2, 4),)
    net.width = 16
    coupling = couple(net, x)
    assert coupling.stored == ()
    follows = Stored("", "width", None, "a.weight", 0, 1)
    assert verify(net, x, replace(coupling, stored=(follows,))) > 1e-3


def wrong_coupling() -> tuple[Net, tuple[Tensor, ...], Coupling]:
    """A net and a coupling whose readers read the units in the reverse order."""
    net = Net(lambda s, x: s.o(torch.tanh(s.a(x))), a=nn.Linear(4, 16), o=nn.Linear(16, 3))
    x = (torch.randn(2, 4),)
    coupling = couple(net, x)
    (group,) = coupling.groups
    assert verify(net, x, coupling) <= 1e-12
    turned = [replace(axis, positions=axis.positions[::-1]) if axis.reads else axis for axis in group.axes]
    return net, x, replace(coupling, groups=(replace(group, axes=tuple(turned)),))


def test_a_wrong_coupling_shows_as_a_difference() -> None:
    assert verify(*wrong_coupling()) > 1e-3


def test_layer_norms_over_units_are_the_exception() -> None:
    net = nn.Sequential(nn.Linear(4, 16), nn.LayerNorm(16), nn.Linear(16, 5), nn.LayerNorm(5))
    nn.init.uniform_(net[1].weight)
    nn.init.uniform_(net[1].bias)
    coupling = couple(net, (torch.randn(2, 4),))
    assert coupling.norms == {"1": {"0"}}
    assert verify(net, (torch.randn(2, 4),), coupling) <= 1e-12


def test_parts_and_seeds_choose_units() -> None:
    wrong = wrong_coupling()
    assert verify(*wrong, fraction=0.0) == 0.0
    assert verify(*wrong, seed=1) == verify(*wrong, seed=1) != verify(*wrong, seed=2)
    assert verify(*wrong, fraction=1.0) > 0.0


def test_random_state_is_left_alone_and_shared_by_both_copies() -> None:
    net = between(lambda h: h + torch.rand(1).to(h))
    before = torch.get_rng_state()
    assert verify(net, (torch.randn(2, 4, 6, generator=torch.Generator()),)) <= 1e-12
    assert torch.equal(torch.get_rng_state(), before)


def test_outputs_that_cannot_be_compared_are_refused() -> None:
    x = torch.randn(2, 4, 6)
    with pytest.raises(RuntimeError, match="output 0 is not finite"):
        verify(between(lambda h: h * float("nan")), (x,))
    with pytest.raises(RuntimeError, match="the model does not run in float64"):
        verify(between(lambda h: h.float()), (x,))
    layers = {"a": nn.Linear(6, 8), "o": nn.Linear(8, 3)}
    coupling = couple(Net(lambda s, x: (s.o(s.a(x)), x), **layers), (x,))
    with pytest.raises(RuntimeError, match=r"output 1 has shape \(8,\) before the cut and \(4,\) after"):
        verify(Net(lambda s, x: (s.o(s.a(x)), torch.zeros(s.a.out_features)), **layers), (x,), coupling)
