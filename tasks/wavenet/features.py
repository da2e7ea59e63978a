"""What the net is told of a note every 32 ms: 80 mel bands."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from benchmark.audio.spectra import magnitudes
from benchmark.data.tones import RATE, Tones

from .shape import MELS, Shape

WINDOW = 4
"""Frames: 128 ms, as the papers' 2,048 samples at 16 kHz."""
DEEPEST = -80.0
"""dB; what is softer is told as that."""


def sound(tones: Tones, shape: Shape) -> Tensor:
    """(notes, (lead + frames) * hop) float32 at the net's rate, in -1 to 1: silence, then the notes.

    A rest shorter than a frame is left out.
    """
    audio = tones.audio.astype(np.float64) / 32768
    if shape.rate != RATE:
        import soxr

        audio = soxr.resample(audio.T, RATE, shape.rate, quality="VHQ").T
    whole = torch.from_numpy(audio[:, : audio.shape[1] // shape.hop * shape.hop].astype(np.float32))
    return torch.nn.functional.pad(whole, (shape.lead * shape.hop, 0))


def filters(shape: Shape) -> Tensor:
    """(80, bins) float32: what of the power at each frequency is in a band."""
    import librosa

    window = WINDOW * shape.hop
    return torch.from_numpy(librosa.filters.mel(sr=shape.rate, n_fft=window, n_mels=MELS, fmin=20, fmax=shape.rate / 2))


def mels(audio: Tensor, shape: Shape) -> Tensor:
    """(notes, frames * hop) to (notes, frames, 80): bands in dB as -1 to about 1.

    A frame is centred on the middle of its hop.
    """
    bands, shifted = filters(shape), audio[:, shape.hop // 2 :]
    window = WINDOW * shape.hop
    parts = [bands @ magnitudes(part, window, shape.hop).square() for part in shifted.split(16)]
    power = torch.cat(parts)[:, :, : audio.shape[1] // shape.hop]
    decibels = 10 * (power / shape.rate * 8000).clamp_min(10 ** (DEEPEST / 10)).log10()
    return (decibels / (-DEEPEST / 2) + 1).transpose(1, 2).contiguous()


def powers(mels: Tensor, shape: Shape) -> Tensor:
    """The power that bands speak of, (..., 80) float64, as of squares of :mod:`benchmark.audio.spectra`."""
    return 10 ** ((mels.double() - 1) * (-DEEPEST / 20)) * shape.rate / 8000
