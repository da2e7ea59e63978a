"""The generator: LSTMs from symbols to latents, and the decoder of the auto-encoder from there to sound.

Défossez et al., NeurIPS 2018, section 3.2: three layers of LSTM with 1,024 units each, told of pitch, instrument,
velocity and time. Their tables hold a row for every instrument, pitch and time step of training, so that they have none
for an instrument that was held out. Here each symbol is told as what it means:

- pitch and velocity as numbers;
- the instrument by its timbre, which any note has: how loud it is in bands, in its first and in its second half;
- time in seconds, and as the turns of the note's partials: what the sines that the decoder begins with hear of a note
  whose partials are all as loud. With a table, a net has to learn to count the turns of every pitch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmark.task import Profile

from .layers import Mix, frequencies, turns
from .model import SHAPES, Decoder, Shape

BANDS = 20
TIMBRE = 2 * BANDS
INPUTS = 3 + TIMBRE
"""Of a frame: pitch in Hz, velocity in dB, time in seconds, timbre."""
TURNS = 128
"""Sines that hear partials."""
NEAR = 40.0
"""Hz between a sine and a partial at which it hears 1/e of it."""
SOFT = 0.1
"""Amplitude of partials."""
TOLD = TURNS + INPUTS
LAYERS = 3
OPEN = 2.0
"""Bias of a gate: 0.88 of what comes goes through."""


@dataclass(frozen=True)
class Size:
    """Widths."""

    hidden: int
    """Units of each LSTM."""
    decoder: Shape


SIZES: dict[Profile, Size] = {
    "smoke": Size(24, SHAPES["smoke"]),
    "quick": Size(192, SHAPES["quick"]),
    "full": Size(1024, SHAPES["full"]),
}


class Steps(nn.LSTM):
    """A layer of LSTM that begins near the identity: gates open, nothing remembered."""

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__(inputs, units, batch_first=True)

    def reset_parameters(self) -> None:
        """Gates as torch begins them, but open; a cell is given what the sine of its number hears, and nothing else."""
        super().reset_parameters()
        with torch.no_grad():
            cells = self.weight_ih_l0.chunk(4)[2]
            nn.init.eye_(cells)
            cells[:, TURNS:] = 0
            self.weight_hh_l0.chunk(4)[2].zero_()
            nn.init.zeros_(self.bias_hh_l0)
            for gate, bias in zip(self.bias_ih_l0.chunk(4), (OPEN, -OPEN, 0.0, OPEN), strict=True):
                gate.fill_(bias)


class Generator(nn.Module):
    """(rows, frames, INPUTS) -> (rows, (frames - context - 2) * HOP) samples at 16 kHz."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        inputs = (TOLD, *(size.hidden,) * (LAYERS - 1))
        # One module a layer: the layers of one module would share their units in a cut.
        self.layers = nn.ModuleList(Steps(width, size.hidden) for width in inputs)
        self.latent = Mix(size.hidden, size.decoder.latent, 1)
        self.decoder = Decoder(size.decoder)

    def forward(self, x: Tensor) -> Tensor:
        """The whole note."""
        state = told(x)
        for layer in self.layers:
            state, _ = layer(state)
        sound: Tensor = self.decoder(self.latent(state.transpose(1, 2))).squeeze(1)
        return sound


def told(x: Tensor) -> Tensor:
    """(rows, frames, INPUTS) -> (rows, frames, TOLD): each number about as large as the others."""
    hertz, velocity, seconds, timbre = x.split([1, 1, 1, TIMBRE], -1)
    hertz = hertz.clamp_min(1.0)
    near, phase = (numbers.to(x).squeeze(1) for numbers in (frequencies(TURNS), turns(TURNS)))
    partial = (near / hertz).round().clamp_min(1) * hertz
    heard = torch.cos(2 * math.pi * (partial * seconds - phase)) * torch.exp(-((partial - near) / NEAR).square())
    return torch.cat([heard * SOFT, torch.log2(hertz / 440) / 2, velocity / 20 + 1, seconds, timbre], -1)
