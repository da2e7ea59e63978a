"""Spectra, complex numbers, padding, streaming and shuffling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.trimming.nets import Net, conv
from tests.trimming.unfriendly.kit import A_THEN_B, ALL_OF_A, BOTH, WAVE, Build, Nets, convs, linears, net, weight

nets = Nets()


@nets.add("spectrum of every unit", {"a": 16}, WAVE, reads=ALL_OF_A)
def _spectrum_of_every_unit() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(h, dim=-1)[..., 1:]
        turned = torch.polar(spectrum.abs(), spectrum.angle() + 0.3)
        return torch.fft.irfft(turned, n=9, dim=-1) + torch.complex(h, h.tanh()).imag

    return convs(middle)


@nets.add("pairs of units seen as complex", {"a": 8}, reads=ALL_OF_A)
def _pairs_as_complex() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        z = torch.view_as_complex(h.unflatten(-1, (-1, 2)).contiguous())
        return torch.view_as_real(z * z.new_tensor(complex(0.6, 0.8))).flatten(-2)

    return linears(middle)


@nets.add("two layers seen as complex", {"a+b": 16}, reads={"o": "a+b"})
def _two_layers_as_complex() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        z = torch.view_as_complex(torch.stack([s.a(x), s.b(x)], -1))
        return s.o(torch.view_as_real(z * z.new_tensor(complex(0.6, 0.8))).flatten(-2))

    return net(forward, a=nn.Linear(4, 16), b=nn.Linear(4, 16), o=nn.Linear(32, 3))


@nets.add("short-time spectrum of the output", {"a": 16}, (2, 4, 32), reads=ALL_OF_A)
def _spectrum_of_the_output() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return torch.stft(s.o(F.relu(s.a(x))).squeeze(1), 8, 4, window=s.window, return_complex=True).abs()

    return net(forward, a=conv(4, 16), o=conv(16, 1), window=torch.hann_window(8))


def causal(zeros: Callable[[Net, Tensor], Tensor], **parts: Any) -> Build:
    """A convolution over what was padded on the left by hand."""
    return lambda: convs(lambda s, h: F.relu(s.b(torch.cat([zeros(s, h), h], -1))), 12, b=nn.Conv1d(16, 12, 3), **parts)


nets.add("padded by zeros of the same width", BOTH, WAVE, reads=A_THEN_B)(
    causal(lambda s, h: h.new_zeros(len(h), h.shape[1], 2))
)
nets.add("padded by zeros of stored width", BOTH, WAVE, stored=("channels",), reads=A_THEN_B)(
    causal(lambda s, h: torch.zeros(h.shape[0], s.channels, 2), channels=16)
)
nets.add("padded by a learned start", BOTH, WAVE, reads=A_THEN_B)(
    lambda: causal(lambda s, h: s.start.expand(len(h), -1, -1), start=weight(1, 16, 2))()
)
for _mode in ("circular", "reflect"):
    nets.add(f"{_mode} padding", BOTH, WAVE, reads=A_THEN_B)(
        lambda mode=_mode: convs(lambda s, h: F.relu(s.b(h)), 12, b=nn.Conv1d(16, 12, 3, padding=1, padding_mode=mode))
    )


@nets.add("streaming buffer", BOTH, (1, 4, 9), reads=A_THEN_B)
def _streaming_buffer() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        h = torch.cat([s.past, h], -1)
        s.past = h[..., -2:].detach()
        return F.relu(s.b(h))

    return convs(middle, 12, b=nn.Conv1d(16, 12, 3), past=torch.zeros(1, 16, 2))


@nets.add("streaming buffer written in place", BOTH, (1, 4, 9), reads=A_THEN_B)
def _streaming_buffer_in_place() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        joined = torch.cat([s.past.clone(), h], -1)
        s.past.copy_(h.detach()[..., -2:])
        return F.relu(s.b(joined))

    return convs(middle, 12, b=nn.Conv1d(16, 12, 3), past=torch.zeros(1, 16, 2))


@nets.add("shuffled into time, stored channels", {"a": 8}, WAVE, stored=("channels",), reads=ALL_OF_A)
def _shuffled_into_time_stored() -> Net:
    def middle(s: Net, h: Tensor) -> Tensor:
        return h.view(len(h), s.channels, 2, -1).permute(0, 1, 3, 2).reshape(len(h), s.channels, -1)

    return convs(middle, 8, channels=8)


nets.add("shuffled out of pixels", {"a": 4}, (2, 1, 6, 6), reads=ALL_OF_A)(
    lambda: net(lambda s, x: s.o(F.pixel_unshuffle(F.relu(s.a(x)), 2)), a=nn.Conv2d(1, 4, 3), o=nn.Conv2d(16, 1, 1))
)
