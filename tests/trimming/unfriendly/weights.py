"""Weights that are not what is stored: normed by torch, or computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.trimming.nets import Net, conv
from tests.trimming.unfriendly.kit import A_THEN_B, BOTH, SEQUENCE, WAVE, Nets, convs, linears, net, weight

nets = Nets()


def chain(wrap: Callable[[nn.Module], nn.Module], kind: Callable[[int, int], nn.Module]) -> Net:
    """Three layers, each wrapped in something."""
    layers = {"a": wrap(kind(4, 16)), "b": wrap(kind(16, 12)), "o": wrap(kind(12, 3))}
    return net(lambda s, x: s.o(F.relu(s.b(F.relu(s.a(x))))), **layers)


def computed(inputs: int, outputs: int, how: Callable[[Net], Tensor], **parts: Any) -> Net:
    """A linear layer whose weight is computed from its parameter v."""
    parts = {"v": weight(outputs, inputs), "bias": nn.Parameter(torch.randn(outputs))} | parts
    return net(lambda s, x: F.linear(x, how(s), s.bias), **parts)


def around(middle: nn.Module) -> Net:
    """A layer from 16 to 12 units between two others."""
    return net(lambda s, x: s.o(F.relu(s.b(F.relu(s.a(x))))), a=nn.Linear(4, 16), b=middle, o=nn.Linear(12, 3))


def new_weight_norm(dim: int | None = 0) -> Callable[[nn.Module], nn.Module]:
    return lambda layer: nn.utils.parametrizations.weight_norm(layer, dim=dim)


def upwards(inputs: int, outputs: int) -> nn.ConvTranspose1d:
    return nn.ConvTranspose1d(inputs, outputs, 4, stride=2, padding=1)


_CHAINS: dict[str, tuple[Callable[[nn.Module], nn.Module], Callable[[int, int], nn.Module], tuple[int, ...]]] = {
    "old weight norm": (nn.utils.weight_norm, conv, WAVE),
    "old weight norm, transposed": (nn.utils.weight_norm, upwards, WAVE),
    "weight norm": (new_weight_norm(), nn.Linear, SEQUENCE),
    "weight norm, transposed": (new_weight_norm(), upwards, WAVE),
    "weight norm of columns": (new_weight_norm(1), nn.Linear, SEQUENCE),
    "weight norm of the whole": (new_weight_norm(None), conv, WAVE),
}
for _label, (_wrap, _kind, _shape) in _CHAINS.items():
    nets.add(_label, BOTH, _shape, reads=A_THEN_B)(lambda wrap=_wrap, kind=_kind: chain(wrap, kind))


@nets.add("weight norm on a depthwise convolution", {"a+d": 16}, WAVE, reads={"o": "a+d"})
def _weight_norm_depthwise() -> Net:
    return convs(lambda s, h: F.relu(s.d(F.relu(h))), d=new_weight_norm()(conv(16, 16, 16)))


for _label, _wrap in {
    "old spectral norm": nn.utils.spectral_norm,
    "spectral norm": nn.utils.parametrizations.spectral_norm,
}.items():

    @nets.add(_label, {"c": 8}, WAVE, reads={"a": "c"})
    def _spectral_norm(wrap: Callable[[nn.Module], nn.Module] = _wrap) -> Net:
        def forward(s: Net, x: Tensor) -> Tensor:
            return s.o(F.relu(s.b(F.relu(s.a(F.relu(s.c(x)))))))

        return net(forward, c=conv(4, 8), a=conv(8, 16), b=wrap(conv(16, 12)), o=conv(12, 3))


def rounded(v: Tensor) -> Tensor:
    return v + (torch.round(v * 8) / 8 - v).detach()


def over_rows(v: Tensor) -> Tensor:
    return v.norm(dim=1, keepdim=True)


_COMPUTED: dict[str, tuple[dict[str, int], Callable[[Net], Tensor], dict[str, Callable[[], Tensor]]]] = {
    "with a gain for each row": (BOTH, lambda s: s.v * s.g, {"g": lambda: weight(12, 1)}),
    "with a gain for each column": (BOTH, lambda s: s.v * s.g, {"g": lambda: weight(16)}),
    "with a mask": (BOTH, lambda s: s.v * s.mask, {"mask": lambda: (torch.rand(12, 16) < 0.7).float()}),
    "rounded, straight through": (BOTH, lambda s: rounded(s.v), {}),
    "stored transposed": (BOTH, lambda s: s.v.t(), {"v": lambda: weight(16, 12)}),
    "stored in three dims": (BOTH, lambda s: s.v.squeeze(-1), {"v": lambda: weight(12, 16, 1)}),
    # What a row is divided by holds all its columns: rows can go, columns cannot.
    "normed by hand": ({"b": 12}, lambda s: s.v * (s.g / over_rows(s.v)), {"g": lambda: weight(12, 1)}),
    "divided by its largest": ({}, lambda s: s.v / s.v.abs().max(), {}),
}
for _label, (_widths, _how, _parts) in _COMPUTED.items():
    _reads = {layer: group for layer, group in A_THEN_B.items() if group in _widths}

    @nets.add(f"weight {_label}", _widths, reads=_reads)
    def _by_hand(how: Callable[[Net], Tensor] = _how, parts: dict[str, Any] = _parts) -> Net:
        return around(computed(16, 12, how, **{name: part() for name, part in parts.items()}))


@nets.add("weight made positive", {"b": 12}, reads={"o": "b"})
def _weight_made_positive() -> Net:
    """A stored zero is no zero here, so that zeroing what reads a unit of `a` hides nothing."""
    return around(computed(16, 12, lambda s: F.softplus(s.v)))


@nets.add("weight from another layer", {})
def _weight_from_another_layer() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.linear(s.a(x), s.h(x.mean((0, 1))).view(12, 16)))

    return net(forward, a=nn.Linear(4, 16), h=nn.Linear(4, 192), o=nn.Linear(12, 3))


@nets.add("equalized rate on the net itself", {"a": 16, "model": 12}, reads={"o": "model"})
def _equalized_rate() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.relu(F.linear(F.relu(s.a(x)), s.weight * s.scale)))

    return net(forward, a=nn.Linear(4, 16), weight=nn.Parameter(torch.randn(12, 16)), scale=0.25, o=nn.Linear(12, 3))


@nets.add("parameter multiplied from the right", {"a": 16, "model": 12}, reads={"o": "model"})
def _parameter_from_the_right() -> Net:
    return linears(lambda s, h: F.relu(F.relu(h) @ s.w + s.bias), 12, w=weight(16, 12), bias=weight(12))


@nets.add("parameter in einsum", {"a": 16, "model": 12}, reads={"o": "model"})
def _parameter_in_einsum() -> Net:
    return linears(lambda s, h: F.relu(torch.einsum("bti,oi->bto", F.relu(h), s.w)), 12, w=weight(12, 16))


@nets.add("parameters in a list", {"w": 16, "w#2": 12})
def _parameters_in_a_list() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        for w in s.w[:2]:
            x = F.relu(x @ w)
        return x @ s.w[2]

    return net(forward, w=nn.ParameterList([weight(4, 16), weight(16, 12), weight(12, 3)]))


nets.add("layer that is not registered", {})(
    lambda: linears(lambda s, h: F.relu(s.hidden[0](F.relu(h))), 12, hidden=[nn.Linear(16, 12)])
)
nets.add("bilinear", {})(lambda: linears(lambda s, h: s.b(h, h.tanh()), 12, b=nn.Bilinear(16, 16, 12)))
