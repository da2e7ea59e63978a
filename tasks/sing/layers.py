"""Convolutions between sound and frames under a window, and what every layer begins as.

Défossez, Zeghidour, Usunier, Bottou & Bach, "SING: Symbol-to-instrument neural generator", NeurIPS 2018. Frames of
1,024 samples every 256; weights that meet samples are multiplied by a squared Hann window.

The loss does not hear phase, yet the frames of a tone must meet in phase, or the tone has the pitch of the frames. So
filters begin as sines, the same where sound goes in and where it comes out, and layers in between begin as the identity
plus a little of what torch begins them with. Such a net gives a tone hardly its pitch yet, but soon learns to.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

RATE = 16_000
HOP = 256
"""Samples from frame to frame."""
FRAME = 1024
"""Samples of a frame."""
OVERLAP = FRAME - HOP
LOWEST, HIGHEST = 60.0, 5000.0
"""Hz of the sines."""
BEND = 700.0
"""Hz up to which sines are about evenly spaced, as on the mel scale; above, a constant ratio apart."""
RANDOM = 0.3
"""Share of torch's weights that the identity is added to: with all of them a net has first to unmix its channels."""
LEVEL = 0.1
"""Of the sines that sound is made of: about as loud as the sound that went in."""


def window() -> Tensor:
    """(FRAME,): a squared Hann window; copies a hop apart add up to 3/2."""
    return torch.hann_window(FRAME).square()


def frequencies(count: int) -> Tensor:
    """(count, 1) Hz in double precision, of which the first few cover the range as evenly as all of them.

    Their places on the scale are multiples of the golden ratio (a Kronecker sequence).
    """
    number = torch.arange(count, dtype=torch.float64).unsqueeze(1)
    low, high = (math.log1p(hertz / BEND) for hertz in (LOWEST, HIGHEST))
    return BEND * torch.expm1(low + number * ((math.sqrt(5) - 1) / 2) % 1 * (high - low))


def turns(count: int) -> Tensor:
    """(count, 1) phases, 0 to 1 in double precision, as evenly spread."""
    return torch.arange(count, dtype=torch.float64).unsqueeze(1) * math.sqrt(2) % 1


def sines(count: int) -> Tensor:
    """(count, FRAME) sines of these frequencies, with these phases in the middle."""
    seconds = (torch.arange(FRAME, dtype=torch.float64) - FRAME / 2) / RATE
    return torch.cos(2 * math.pi * (frequencies(count) * seconds + turns(count))).float()


class Analysis(nn.Conv1d):
    """(rows, 1, samples) -> (rows, channels, frames): frames that are whole, under the window."""

    window: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(1, channels, FRAME, HOP)
        self.register_buffer("window", window(), persistent=False)

    def reset_parameters(self) -> None:
        """Sines; a tone of amplitude 1 gives about 1."""
        with torch.no_grad():
            self.weight.copy_(sines(len(self.weight)).unsqueeze(1) * (2 / window().sum()))
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Frames of sound."""
        return functional.conv1d(input, self.weight * self.window, self.bias, self.stride)

    def macs(self, inputs: tuple[Tensor, ...], output: Tensor) -> int:
        """Every channel of a frame is a weighted sum of its samples."""
        return output.numel() * FRAME


class OverlapAdd(nn.ConvTranspose1d):
    """(rows, channels, frames) -> (rows, 1, (frames - 3) * HOP): the samples that four frames reach."""

    window: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 1, FRAME, HOP, padding=OVERLAP, bias=False)
        self.register_buffer("window", window(), persistent=False)

    def reset_parameters(self) -> None:
        """Sines."""
        with torch.no_grad():
            self.weight.copy_(sines(len(self.weight)).unsqueeze(1) * LEVEL)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Sound of frames."""
        return self.ringing(input)[..., OVERLAP:-OVERLAP]

    def ringing(self, input: Tensor) -> Tensor:
        """Also the samples before and after that fewer frames reach: OVERLAP on each side."""
        return functional.conv_transpose1d(input, self.weight * self.window, None, self.stride)

    def macs(self, inputs: tuple[Tensor, ...], output: Tensor) -> int:
        """Every channel of a frame gives a weighted frame of samples."""
        return inputs[0].numel() * FRAME


class Mix(nn.Conv1d):
    """A convolution over frames that begins near the identity: (rows, inputs, frames) -> (rows, outputs, frames)."""

    def reset_parameters(self) -> None:
        """Some of what torch begins with, and a 1 from each channel to the one of the same number; no bias."""
        super().reset_parameters()
        identity = torch.empty_like(self.weight)
        nn.init.dirac_(identity)
        with torch.no_grad():
            self.weight.mul_(RANDOM).add_(identity)
        if self.bias is not None:
            nn.init.zeros_(self.bias)
