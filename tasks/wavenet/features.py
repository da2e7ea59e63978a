"""What the net is told of a note, every 32 ms: 80 mel bands; and its samples as levels, after silence."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from benchmark.audio.spectra import magnitudes
from benchmark.data.tones import RATE, Tones

from .model import MELS, Shape
from .mulaw import encode

WINDOW = 4
"""Frames: 128 ms, as the papers' 2,048 samples at 16 kHz."""
DEEPEST = -80.0
"""dB; what is softer is told as that."""


def sound(tones: Tones, shape: Shape) -> Tensor:
    """(notes, frames * hop) float32 at the net's rate, in -1 to 1; a rest shorter than a frame is left out."""
    audio = tones.audio.astype(np.float64) / 32768
    if shape.rate != RATE:
        import soxr

        audio = soxr.resample(audio.T, RATE, shape.rate, quality="VHQ").T
    return torch.from_numpy(audio[:, : audio.shape[1] // shape.hop * shape.hop].astype(np.float32))


def levels(audio: Tensor, shape: Shape) -> Tensor:
    """(notes, samples) to uint8 (notes, lead + samples): silence and the note."""
    return encode(_led(audio, shape)).to(torch.uint8)


def mels(audio: Tensor, shape: Shape) -> Tensor:
    """(notes, samples) to (notes, lead + frames, 80): bands in dB, of silence and the note, as -1 to about 1.

    A frame is centred on the middle of its hop.
    """
    import librosa

    window = WINDOW * shape.hop
    filters = librosa.filters.mel(sr=shape.rate, n_fft=window, n_mels=MELS, fmin=20, fmax=shape.rate / 2)
    shifted = _led(audio, shape)[:, shape.hop // 2 :]
    parts = [torch.from_numpy(filters) @ magnitudes(part, window, shape.hop).square() for part in shifted.split(16)]
    power = torch.cat(parts)[:, :, : shape.lead + audio.shape[1] // shape.hop]
    decibels = 10 * (power / shape.rate * 8000).clamp_min(10 ** (DEEPEST / 10)).log10()
    return (decibels / (-DEEPEST / 2) + 1).transpose(1, 2).contiguous()


def _led(audio: Tensor, shape: Shape) -> Tensor:
    return torch.nn.functional.pad(audio, (shape.lead * shape.hop, 0))
