"""The net and its synthesizer frame by frame: what a board without Fourier transforms can play.

Noise and reverb are convolutions of a few hundred samples in a frame, which a net's layers do as well. It gives what
:meth:`.model.Ddsp.forward` gives but for rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.hardware.streaming import Stream

from .synth import HOP, Tones

if TYPE_CHECKING:
    from .model import Ddsp


class Hiss(nn.Module):
    """Noise through the filter of a frame, as :class:`.synth.Noise`."""

    response: Tensor

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.taps = 2 * (bands - 1)
        response = torch.fft.irfft(torch.eye(bands)).roll(self.taps // 2, -1) * torch.hann_window(self.taps)
        # Last tap first, as a convolution layer has it.
        self.register_buffer("response", response.flip(-1), persistent=False)

    def forward(self, gains: Tensor, white: Tensor, ringing: Tensor) -> tuple[Tensor, Tensor]:
        """(1, 1, bands), (1, 1, HOP), (1, 1, taps) -> (1, 1, HOP) sound, and (1, 1, taps) that rings on."""
        padded = F.pad(white, (self.taps - 1, self.taps))
        now, later = F.conv1d(padded, torch.matmul(gains, self.response)).split([HOP, self.taps], -1)
        return now + F.pad(ringing, (0, HOP - self.taps)), later

    def macs(self, inputs: tuple[Tensor, ...], output: object) -> int:
        """The filter from its gains, and every sample of noise through it."""
        return self.taps * (inputs[0].numel() + HOP + self.taps)


class Room(nn.Module):
    """The sound and its reverb, as :class:`.synth.Reverb`."""

    def __init__(self, tail: Tensor) -> None:
        super().__init__()
        self.tail = nn.Conv1d(1, 1, len(tail), bias=False)
        self.tail.weight = nn.Parameter(tail.detach().flip(0)[None, None] / 100)

    def forward(self, dry: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """(1, 1, HOP), and (1, 1, length) before it -> (1, 1, HOP) sound, and what is before the next."""
        heard = torch.cat([past, dry], -1)
        return dry + self.tail(heard[..., :-1]), heard[..., HOP:]


class Frame(nn.Module):
    """One frame."""

    def __init__(self, net: Ddsp) -> None:
        super().__init__()
        self.net, self.hiss, self.room = net, Hiss(net.sizes[-1]), Room(net.reverb.tail)

    def forward(
        self,
        frame: Tensor,
        encoder: Tensor,
        decoder: Tensor,
        amplitudes: Tensor,
        hertz: Tensor,
        phase: Tensor,
        ringing: Tensor,
        dry: Tensor,
        played: Tensor,
    ) -> tuple[Tensor, ...]:
        """(1, 1, 32) and states -> (1, HOP) samples and states."""
        voice = self.net.voice(frame, encoder, decoder)
        # The first frame starts from its own end.
        first = played == 0
        before = Tones(torch.where(first, voice.amplitudes, amplitudes), torch.where(first, voice.hertz, hertz), phase)
        tones, after = self.net.oscillators(voice.amplitudes, voice.hertz, before)
        white = self.net.steady[played % len(self.net.steady)].unsqueeze(1)
        hiss, ringing = self.hiss(voice.gains, white, ringing)
        sound, dry = self.room(tones.unsqueeze(1) + hiss, dry)
        return sound.squeeze(1), voice.encoder, voice.decoder, *after, ringing, dry, played + 1

    def start(self) -> tuple[Tensor, ...]:
        """The states before the first frame."""
        units = (self.net.encoder.hidden_size, self.net.decoder.hidden_size, self.net.sizes[1])
        lengths = (self.hiss.taps, len(self.net.reverb.tail))
        phase, played = torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.long)
        gates, samples = ([torch.zeros(1, 1, size) for size in sizes] for sizes in (units, lengths))
        return *gates, torch.zeros(1, 1), phase, *samples, played


def stream(net: Ddsp, example: Tensor) -> Stream:
    """How the net is fed frame by frame."""
    made, frames = Frame(net).eval(), example.shape[1]
    return Stream(made, (example[:, :1], *made.start()), calls=frames, axis=1, out_axis=1, steps=frames * HOP)
