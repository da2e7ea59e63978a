"""The auto-encoder: pitch, loudness and timbre of a note, frame by frame, to the controls of a synthesizer.

Engel et al., ICLR 2020, with the layers of Esling et al., DAFx 2020 (github.com/acids-ircam): MLPs of three layers on
pitch and on loudness, a GRU over both and a latent of 16, an MLP, and heads for loudness, partials and noise. The
latent comes from MFCCs through a GRU, as in the first paper; the second has convolutions on the waveform there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmark.task import Profile

from .synth import HOP, RATE, Noise, Oscillators, Reverb, Tones

COEFFICIENTS = 30
"""MFCCs of a frame."""
INPUTS = 2 + COEFFICIENTS
"""Of a frame: fundamental in Hz, loudness in dB, MFCCs."""
NOISE_SECONDS = 4
"""Of noise that evaluation repeats."""
QUIET = -5.0
"""Noise starts softly: the bias of its gains."""


@dataclass(frozen=True)
class Shape:
    """Widths."""

    hidden: int
    latent: int
    partials: int
    bands: int
    reverb: int
    """Samples."""


SHAPES: dict[Profile, Shape] = {
    "smoke": Shape(24, 8, 16, 17, 40),
    "quick": Shape(224, 16, 60, 65, 1024),
    "full": Shape(512, 16, 100, 81, 16_000),
}


class Past(NamedTuple):
    """What a net goes on from in the next block."""

    encoder: Tensor
    decoder: Tensor
    tones: Tones
    noise: Tensor
    room: Tensor
    frames: int
    """Played so far."""


class Ddsp(nn.Module):
    """(rows, frames, 32) -> (rows, frames * HOP) samples at 16 kHz."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.hidden
        self.pitch, self.loudness = mlp(1, width), mlp(1, width)
        self.encoder = nn.GRU(COEFFICIENTS, width, batch_first=True)
        self.latent = nn.Linear(width, shape.latent)
        self.decoder = nn.GRU(2 * width + shape.latent, width, batch_first=True)
        self.out = mlp(width, width)
        self.controls = nn.Linear(width, 1 + shape.partials + shape.bands)
        self.sizes = (1, shape.partials, shape.bands)
        self.oscillators, self.noise, self.reverb = Oscillators(), Noise(), Reverb(shape.reverb)
        # Evaluation always hears the same noise, so that a score can be measured again.
        steady = torch.rand(NOISE_SECONDS * RATE // HOP, HOP, generator=torch.Generator().manual_seed(0)) * 2 - 1
        self.register_buffer("steady", steady, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """The whole clip."""
        return self.play(x)[0]

    def play(self, x: Tensor, past: Past | None = None) -> tuple[Tensor, Past]:
        """A block of any number of frames, after the blocks that `past` comes from."""
        hertz = x[..., 0].clamp(1.0, RATE / 2)
        pitch = self.pitch(torch.log2(hertz / 440).unsqueeze(-1) / 2)
        loudness = self.loudness(x[..., 1:2] / 40 + 1)
        encoded, encoder = self.encoder(x[..., 2:], past.encoder if past else None)
        frames = torch.cat([pitch, loudness, self.latent(encoded)], -1)
        decoded, decoder = self.decoder(frames, past.decoder if past else None)
        controls = self.controls(self.out(decoded))
        loud, partials, bands = controls.split(self.sizes, -1)
        partials = positive(partials)
        amplitudes = positive(loud) * partials / partials.sum(-1, keepdim=True)
        tones, tones_past = self.oscillators(amplitudes, hertz, past.tones if past else None)
        played = past.frames if past else 0
        hiss, noise = self.noise(positive(bands + QUIET), self._white(x, played), past.noise if past else None)
        audio, room = self.reverb(tones + hiss, past.room if past else None)
        return audio, Past(encoder, decoder, tones_past, noise, room, played + x.shape[1])

    def _white(self, x: Tensor, played: int) -> Tensor:
        """(rows, frames, HOP) in -1 to 1: fresh in training."""
        rows, frames = x.shape[:2]
        if self.training:
            return torch.rand(rows, frames, HOP, dtype=x.dtype, device=x.device) * 2 - 1
        frame = torch.arange(played, played + frames, device=x.device) % len(self.steady)
        return self.steady[frame].expand(rows, -1, -1)


def mlp(inputs: int, width: int) -> nn.Sequential:
    """Three times linear, layer norm, ReLU."""
    layers: list[nn.Module] = []
    for before in (inputs, width, width):
        layers += [nn.Linear(before, width), nn.LayerNorm(width), nn.ReLU()]
    return nn.Sequential(*layers)


def positive(x: Tensor) -> Tensor:
    """Any number as a gain up to 2 (Engel et al., eq. 5)."""
    return 2 * torch.sigmoid(x) ** math.log(10) + 1e-7
