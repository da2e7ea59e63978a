"""The synthesizer of DDSP: harmonic oscillators, filtered noise and a room, in blocks that can be played one by one.

Engel, Hantrakul, Gu & Roberts, "DDSP: Differentiable digital signal processing", ICLR 2020, sections 3.2 to 3.5. Each
part is causal and takes what is left of the blocks before as an argument, so that a long clip and its blocks give the
same samples.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

RATE = 16_000
HOP = 160
"""Samples of a frame: the papers' block."""
FRAMES_AT_ONCE = 100
"""Frames whose sines are held in memory together: one has HOP x partials values."""
TURN = 2.0**36
"""Steps of a turn to which an oscillator's advance is rounded: sums of such numbers are exact in double precision for
five minutes at 440 Hz, so a phase does not depend on where a block begins."""


class Tones(NamedTuple):
    """What oscillators go on from: all (rows, 1, ...) of the frame before."""

    amplitudes: Tensor
    """(rows, 1, partials)."""
    hertz: Tensor
    """(rows, 1)."""
    phase: Tensor
    """(rows,) turns, double."""


class Oscillators(nn.Module):
    """A bank of sines at multiples of a fundamental, whose amplitudes go in straight lines from frame to frame."""

    def forward(self, amplitudes: Tensor, hertz: Tensor, past: Tones | None = None) -> tuple[Tensor, Tones]:
        """Sound of frames.

        Parameters
        ----------
        amplitudes
            (rows, frames, partials) at the end of every frame; partials from half of the rate on are silenced.
        hertz
            (rows, frames), the fundamental at the end of every frame.
        past
            What the call before gave; None: the first frame starts from its own end, at phase 0.

        Returns
        -------
        tuple
            (rows, frames * HOP) audio, and what the next call takes.
        """
        rows, frames, partials = amplitudes.shape
        amplitudes = amplitudes * audible(hertz, partials)
        if past is None:
            past = Tones(amplitudes[:, :1], hertz[:, :1], torch.zeros(rows, dtype=torch.float64, device=hertz.device))
        ramp = torch.arange(1, HOP + 1, dtype=hertz.dtype, device=hertz.device) / HOP
        before = torch.cat([past.hertz, hertz[:, :-1]], 1).unsqueeze(-1)
        advance = (before + (hertz.unsqueeze(-1) - before) * ramp).double() / RATE
        turns = torch.cumsum((advance * TURN).round().flatten(1) / TURN, 1) + past.phase.unsqueeze(1)
        phase = (turns % 1).view(rows, frames, HOP)
        # Both ends of a frame in one product: what is between them is a straight line.
        ends = torch.stack([torch.cat([past.amplitudes, amplitudes[:, :-1]], 1), amplitudes], -2)
        parts = zip(phase.flatten(0, 1).split(FRAMES_AT_ONCE), ends.flatten(0, 1).split(FRAMES_AT_ONCE), strict=True)
        first, last = torch.cat([torch.matmul(e, sines(p, partials, e.dtype)) for p, e in parts]).unbind(1)
        audio = first + (last - first) * ramp
        return audio.view(rows, -1), Tones(amplitudes[:, -1:], hertz[:, -1:], turns[:, -1] % 1)

    def macs(self, inputs: tuple[Tensor, ...], output: object) -> int:
        """Every sample is a weighted sum over the partials, for both ends of its frame."""
        return inputs[0].numel() * HOP * 2


def audible(hertz: Tensor, partials: int) -> Tensor:
    """(..., partials) bool: which partials of fundamentals (...) are below half of the rate."""
    number = torch.arange(1, partials + 1, dtype=hertz.dtype, device=hertz.device)
    return hertz.unsqueeze(-1) * number < RATE / 2


def sines(phase: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """Sines of the first multiples of a phase.

    By sin (k + 1)x = 2 cos x sin kx - sin (k - 1)x, which is several times cheaper than so many sines. In single
    precision the 60th is off by less than 1e-4.

    Parameters
    ----------
    phase
        (frames, samples) turns, in double precision.
    count
        Of multiples, from 1 on.
    dtype
        Of the result.

    Returns
    -------
    Tensor
        (frames, count, samples).
    """
    first = 2 * torch.pi * phase
    twice, found = (2 * torch.cos(first)).to(dtype), [torch.sin(first).to(dtype)]
    before = torch.zeros_like(twice)
    while len(found) < count:
        before, here = found[-1], found[-1] * twice - before
        found.append(here)
    return torch.stack(found, 1)


class Noise(nn.Module):
    """White noise, each frame through a filter of its own; the filter's ringing goes on into the next frame."""

    def forward(self, bands: Tensor, noise: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Sound of frames.

        Parameters
        ----------
        bands
            (rows, frames, bands): gains from 0 to half of the rate, of a filter of 2 (bands - 1) taps, at most HOP.
        noise
            (rows, frames, HOP).
        past
            (rows, taps): what rings on of the call before; None: nothing.

        Returns
        -------
        tuple of Tensor
            (rows, frames * HOP) audio, and what the next call takes.
        """
        taps = 2 * (bands.shape[-1] - 1)
        response = torch.fft.irfft(bands.to(torch.complex64 if bands.dtype == torch.float32 else torch.complex128))
        window = torch.hann_window(taps, dtype=bands.dtype, device=bands.device)
        response = response.roll(taps // 2, -1) * window
        heard = convolved(noise, response, HOP + taps)
        now, later = heard.split([HOP, taps], -1)
        before = torch.zeros_like(later[:, :1]) if past is None else past.unsqueeze(1)
        ringing = torch.cat([before, later[:, :-1]], 1)
        audio = now + nn.functional.pad(ringing, (0, HOP - taps))
        return audio.flatten(1), later[:, -1]

    def macs(self, inputs: tuple[Tensor, ...], output: object) -> int:
        """Fourier transforms, which are no MACs by convention."""
        return 0


class Reverb(nn.Module):
    """The dry sound and, after it, a trained impulse response.

    What is trained is a hundred times the response: a step of Adam moves each of its thousands of samples as far as any
    other weight, which would make a noise of the sound.
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        self.tail = nn.Parameter(torch.empty(length))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """A dry room."""
        nn.init.zeros_(self.tail)

    def forward(self, audio: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(rows, samples) in the room, and what rings on, (rows, length), as `past` of the next call."""
        samples, length = audio.shape[1], len(self.tail)
        # The tail begins one sample after the sound.
        wet = nn.functional.pad(convolved(audio, self.tail / 100, samples + length - 1), (1, 0))
        if past is not None:
            wet = wet + nn.functional.pad(past, (0, samples))
        return audio + wet[:, :samples], wet[:, samples:]

    def macs(self, inputs: tuple[Tensor, ...], output: object) -> int:
        """Fourier transforms, which are no MACs by convention."""
        return 0


def convolved(signal: Tensor, kernel: Tensor, length: int) -> Tensor:
    """Linear convolution over the last dim by Fourier transform, of `length` samples, which must hold all of it."""
    size = 1 << (length - 1).bit_length()
    product = torch.fft.rfft(signal, size) * torch.fft.rfft(kernel, size)
    return torch.fft.irfft(product, size)[..., :length]
