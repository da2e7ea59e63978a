"""Convolutions by function, and in groups."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.trimming.nets import Net, conv
from tests.trimming.unfriendly.kit import ALL_OF_A, WAVE, Build, Nets, convs, net, weight

nets = Nets()


def fir(h: Tensor, taps: Tensor) -> Tensor:
    """The same taps over every channel."""
    return F.conv1d(h, taps.expand(h.shape[1], -1, -1), groups=h.shape[1], padding="same")


nets.add("fixed filter over every unit", {"a": 16}, WAVE, reads=ALL_OF_A)(
    lambda: convs(lambda s, h: fir(h, s.taps), taps=torch.tensor([[[0.25, 0.5, 0.25]]]))
)
nets.add("units as the batch of a filter", {}, WAVE)(
    lambda: convs(
        lambda s, h: F.conv1d(h.reshape(-1, 1, h.shape[-1]), s.taps, padding=1).view(h.shape), taps=weight(1, 1, 3)
    )
)


@nets.add("fixed filterbank in front", {"a": 16}, (2, 1, 40), reads=ALL_OF_A)
def _fixed_filterbank() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(F.relu(s.a(F.conv1d(x, s.basis, stride=4).abs())))

    return net(forward, basis=torch.randn(10, 1, 8), a=conv(10, 16), o=conv(16, 3))


@nets.add("mel matrix in front", {"a": 16}, (2, 9, 6), reads=ALL_OF_A)
def _mel_matrix() -> Net:
    return net(
        lambda s, x: s.o(F.relu(s.a(torch.log1p(s.mel @ x.abs())))),
        mel=torch.rand(7, 9),
        a=conv(7, 16),
        o=conv(16, 3),
    )


@nets.add("depthwise with stored channels", {"a+model": 16}, WAVE, stored=("channels",), reads={"o": "a+model"})
def _depthwise_with_stored_channels() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        return F.relu(F.conv1d(F.relu(h), s.weight, groups=s.channels, padding=1))

    return convs(middle, weight=weight(16, 1, 3), channels=16)


def grouped(layer: Callable[[], nn.Module], after: int = 16) -> Build:
    return lambda: convs(lambda s, h: F.relu(s.d(F.relu(h))), after, d=layer())


_IN_GROUPS: dict[str, tuple[int, Callable[[], nn.Module], int]] = {
    "depthwise with multiplier": (16, lambda: conv(16, 32, 16), 32),
    "depthwise, transposed": (16, lambda: nn.ConvTranspose1d(16, 16, 4, 2, 1, groups=16), 16),
    "grouped": (4, lambda: conv(16, 16, 4), 16),
    "grouped, transposed": (4, lambda: nn.ConvTranspose1d(16, 8, 4, 2, 1, groups=4), 8),
}
for _label, (_width, _layer, _after) in _IN_GROUPS.items():
    nets.add(f"{_label} convolution", {"a+d": _width}, WAVE, reads={"o": "a+d"})(grouped(_layer, _after))


@nets.add("inverted residual", {"a+p": 16, "e+d": 24}, WAVE, reads={"e": "a+p", "o": "a+p", "p": "e+d"})
def _inverted_residual() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        return h + s.p(F.relu6(s.n(s.d(F.relu6(s.m(s.e(h)))))))

    norms = {"m": nn.BatchNorm1d(24), "n": nn.BatchNorm1d(24)}
    return convs(middle, e=nn.Conv1d(16, 24, 1), d=conv(24, 24, 24), p=nn.Conv1d(24, 16, 1), **norms)
