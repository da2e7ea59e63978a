"""Widths that are written down, or computed with."""

from __future__ import annotations

import math
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.trimming.nets import Net, conv
from tests.trimming.unfriendly.kit import ALL_OF_A, Nets, linears, net

nets = Nets()


@nets.add("width as an attribute", {"a": 16}, stored=("hidden",), reads=ALL_OF_A)
def _width_as_an_attribute() -> Net:
    return linears(lambda s, h: F.relu(h.reshape(-1, s.hidden)).view(2, -1, s.hidden), hidden=16)


@nets.add("flattened size as an attribute", {"a": 16}, (2, 4, 5), stored=("flat",), reads=ALL_OF_A)
def _flattened_size() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.relu(s.a(x)).view(-1, s.flat))

    return net(forward, a=conv(4, 16), flat=16 * 5, o=nn.Linear(80, 3))


class Halving(nn.Module):
    """A gate that knows where the second half starts."""

    def __init__(self, half: int) -> None:
        super().__init__()
        self.half = half

    def forward(self, x: Tensor) -> Tensor:
        return x[..., : self.half] * torch.sigmoid(x[..., self.half :])


@nets.add("half of a width as an attribute", {"a": 8}, stored=("half",), reads=ALL_OF_A)
def _half_of_a_width() -> Net:
    return linears(lambda s, h: torch.mul(*h.split(s.half, -1)), 8, half=8)


@nets.add("width as an attribute of an inner module", {"a": 8}, stored=("gate.half",), reads=ALL_OF_A)
def _width_in_an_inner_module() -> Net:
    return linears(lambda s, h: s.gate(h), 8, gate=Halving(8))


@nets.add("width as two attributes", {"a": 16}, stored=("hidden", "features"), reads=ALL_OF_A)
def _width_as_two_attributes() -> Net:
    return linears(lambda s, h: h.reshape(-1, s.hidden).reshape(2, -1, s.features), hidden=16, features=16)


@nets.add("width in a list", {"a": 16}, stored=("sizes",), reads=ALL_OF_A)
def _width_in_a_list() -> Net:
    return linears(lambda s, h: h.reshape(-1, s.sizes[1]).view(2, 6, -1), sizes=[4, 16, 3])


@nets.add("width in a tuple", {"a": 16}, stored=("shape",), reads=ALL_OF_A)
def _width_in_a_tuple() -> Net:
    return linears(lambda s, h: F.relu(h).flatten().view(-1, *s.shape), shape=(6, 16))


@nets.add("width in torch's unflatten", {"a": 16}, (2, 4), stored=("u.unflattened_size",), reads=ALL_OF_A)
def _width_in_unflatten() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.relu(s.u(s.a(x))))

    return net(forward, a=nn.Linear(4, 80), u=nn.Unflatten(1, (16, 5)), o=conv(16, 3))


@nets.add("width in a configuration", {})
def _width_in_a_configuration() -> Net:
    """Only integers of modules, and in their lists, are found."""
    return linears(lambda s, h: h.reshape(-1, s.config.hidden).view(2, 6, -1), config=SimpleNamespace(hidden=16))


nets.add("width as a literal", {})(lambda: linears(lambda s, h: h.reshape(2, 6, 16)))


@nets.add("width in a closure", {})
def _width_in_a_closure() -> Net:
    width = 16
    return linears(lambda s, h: h.reshape(-1, width))


@nets.add("number of channel groups as an attribute", {"a": 4}, (2, 4), stored=("groups",), reads=ALL_OF_A)
def _maxima_of_stored_groups() -> Net:
    return linears(lambda s, h: h.view(len(h), s.groups, -1).amax(-1), 4, groups=4)


nets.add("maxima of channel groups", {"a": 4}, (2, 4), kept=("each",), reads=ALL_OF_A)(
    lambda: linears(lambda s, h: h.view(len(h), -1, s.each).amax(-1), 4, each=4)
)
nets.add("divided by the root of an attribute", {"a": 16}, kept=("hidden",), reads=ALL_OF_A)(
    lambda: linears(lambda s, h: F.relu(h) / math.sqrt(s.hidden), hidden=16)
)
nets.add("divided by the root of the width", {})(lambda: linears(lambda s, h: h / math.sqrt(h.shape[-1])))
nets.add("one attribute as width and as scale", {})(
    lambda: linears(lambda s, h: h.reshape(-1, s.hidden) / math.sqrt(s.hidden), hidden=16)
)


@nets.add("one attribute for two widths", {})
def _one_attribute_for_two_widths() -> Net:
    """Whatever the attribute says, it can follow one of them only."""

    def forward(s: Net, x: Tensor) -> Tensor:
        h = torch.tanh(s.a(x)).reshape(-1, s.hidden)
        return s.o(torch.tanh(s.b(h)).reshape(len(x), -1, s.hidden))

    return net(forward, a=nn.Linear(4, 16), b=nn.Linear(16, 16), o=nn.Linear(16, 3), hidden=16)


nets.add("slice that ends at the width", {"a": 16}, reads=ALL_OF_A)(lambda: linears(lambda s, h: F.relu(h)[..., :16]))
nets.add("another path when narrow", {})(lambda: linears(lambda s, h: h if h.shape[-1] >= 8 else 2 * h))
nets.add("another path when not as wide as stored", {"a": 16}, stored=("hidden",), reads=ALL_OF_A)(
    lambda: linears(lambda s, h: h if h.shape[-1] == s.hidden else 2 * h, hidden=16)
)


@nets.add(
    "frames as long as the net is wide", {"a": 16}, (2, 64), stored=("hidden",), kept=("n_fft", "hop"), reads=ALL_OF_A
)
def _frames_as_long_as_the_net_is_wide() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        frames = x.unfold(-1, s.n_fft, s.hop)
        return s.o(F.relu(s.a(frames)).reshape(-1, s.hidden)).view(len(x), -1, 3)

    return net(forward, a=nn.Linear(16, 16), o=nn.Linear(16, 3), n_fft=16, hop=16, hidden=16)
