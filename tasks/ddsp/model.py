"""The auto-encoder: pitch, loudness and timbre of a note, frame by frame, to the controls of a synthesizer.

Engel et al., ICLR 2020: a latent of 16 from MFCCs through a GRU; an MLP of three layers each on pitch, loudness and
latent; a GRU over the three; an MLP over what it says and the three again; heads for level, partials and noise. Widths
are those of Esling et al., DAFx 2020 (github.com/acids-ircam), who have convolutions on the waveform for the GRU of the
latent. Ours are: a norm on the latent, and that level and noise are told as what is to be added to the loudness heard.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmark.hardware.streaming import Stream
from benchmark.task import Profile

from .stream import stream
from .synth import HOP, RATE, Noise, Oscillators, Reverb, Tones, audible

COEFFICIENTS = 30
"""MFCCs of a frame."""
INPUTS = 2 + COEFFICIENTS
"""Of a frame: fundamental in Hz, loudness in dB, MFCCs."""
NOISE_SECONDS = 4
"""Of noise that evaluation repeats."""
QUIET = -3.0
"""Noise starts softly: the bias of its gains."""
DECADE = 20.0
"""dB: what an input of 1 adds to a gain that is small, see `positive`."""


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
    "quick": Shape(160, 16, 60, 65, 1024),
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


class Voice(NamedTuple):
    """What the synthesizer is told of frames, and the states of the recurrent layers after them."""

    amplitudes: Tensor
    """(rows, frames, partials)."""
    hertz: Tensor
    """(rows, frames)."""
    gains: Tensor
    """(rows, frames, bands) of noise."""
    encoder: Tensor
    decoder: Tensor


class Ddsp(nn.Module):
    """(rows, frames, 32) -> (rows, frames * HOP) samples at 16 kHz."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.hidden
        self.pitch, self.loudness = mlp(1, width), mlp(1, width)
        self.encoder = nn.GRU(COEFFICIENTS, width, batch_first=True)
        self.latent = nn.Sequential(nn.Linear(width, shape.latent), nn.LayerNorm(shape.latent))
        self.timbre = mlp(shape.latent, width)
        self.decoder = nn.GRU(3 * width, width, batch_first=True)
        self.out = mlp(4 * width, width)
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
        voice = self.voice(x, past.encoder if past else None, past.decoder if past else None)
        tones, tones_past = self.oscillators(voice.amplitudes, voice.hertz, past.tones if past else None)
        played = past.frames if past else 0
        hiss, noise = self.noise(voice.gains, self._white(x, played), past.noise if past else None)
        audio, room = self.reverb(tones + hiss, past.room if past else None)
        return audio, Past(voice.encoder, voice.decoder, tones_past, noise, room, played + x.shape[1])

    def voice(self, x: Tensor, encoder: Tensor | None = None, decoder: Tensor | None = None) -> Voice:
        """What is to be played in a block."""
        hertz = x[..., 0].clamp(1.0, RATE / 2)
        level = x[..., 1:2]
        encoded, encoder = self.encoder(x[..., 2:], encoder)
        pitch = self.pitch(torch.log2(hertz / 440).unsqueeze(-1) / 2)
        told = torch.cat([pitch, self.loudness((level + 30) / 15), self.timbre(self.latent(encoded))], -1)
        decoded, decoder = self.decoder(told, decoder)
        loud, partials, bands = self.controls(self.out(torch.cat([decoded, told], -1))).split(self.sizes, -1)
        # What cannot sound has no share, as in the authors' code: high notes would begin far too soft.
        partials = positive(partials) * audible(hertz, partials.shape[-1])
        share = partials / partials.sum(-1, keepdim=True).clamp_min(1e-7)
        amplitudes = positive(loud + level / DECADE) * share
        return Voice(amplitudes, hertz, positive(bands + level / DECADE + QUIET), encoder, decoder)

    def stream(self, example: Tensor) -> Stream:
        """How boards play it: frame by frame."""
        return stream(self, example)

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
    """Any number as a gain up to 2 (Engel et al., eq. 5); a small one is 2 * 10 ** x."""
    return 2 * torch.sigmoid(x) ** math.log(10) + 1e-7
