"""What the net is told of a note, every 10 ms: its pitch, its loudness, and the colour of its sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmark.audio import tracker
from benchmark.audio.loudness import loudness
from benchmark.audio.spectra import magnitudes
from benchmark.data.tones import Tones

from .model import COEFFICIENTS
from .synth import HOP, RATE

WINDOW = 1024
BANDS = 64
NEAR = 100.0
"""Cents from the note's pitch within which the tracker is believed, frame by frame."""


@dataclass(frozen=True)
class Scale:
    """Mean and deviation (30,) of the MFCCs of training notes."""

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, coefficients: Tensor) -> Scale:
        """Of (notes, frames, 30)."""
        flat = coefficients.flatten(0, 1)
        return cls(flat.mean(0), flat.std(0).clamp_min(1e-3))

    def __call__(self, coefficients: Tensor) -> Tensor:
        """Scaled to mean 0 and deviation 1."""
        return (coefficients - self.mean) / self.deviation


def sound(tones: Tones) -> Tensor:
    """(notes, frames * HOP) float32 in -1 to 1; a rest shorter than a frame is left out."""
    samples = tones.audio.shape[1] // HOP * HOP
    return torch.from_numpy(np.asarray(tones.audio[:, :samples], np.float32) / 32768)


def frames(tones: Tones) -> Tensor:
    """(notes, frames, 2 + 30) as the net takes them, MFCCs not scaled: frame i is centred on the end of its hop."""
    audio = sound(tones)
    rows = [audio[start : start + 16] for start in range(0, len(audio), 16)]
    level = torch.cat([loudness(part, RATE, HOP, WINDOW)[:, 1:] for part in rows])
    colour = torch.cat([mfcc(part)[:, 1:] for part in rows])
    return torch.cat([_contour(audio, tones.hertz).unsqueeze(-1), level.unsqueeze(-1), colour], -1)


def mfcc(audio: Tensor) -> Tensor:
    """(rows, samples) -> (rows, frames, 30): mel-frequency cepstra, orthonormal, of 64 bands."""
    import librosa
    from scipy.fft import dct

    bands = torch.from_numpy(librosa.filters.mel(sr=RATE, n_fft=WINDOW, n_mels=BANDS, fmin=20, fmax=RATE / 2))
    mel = bands.float() @ magnitudes(audio, WINDOW, HOP).square()
    decibels = 10 * mel.clamp_min(1e-8).log10()
    basis = torch.from_numpy(dct(np.eye(BANDS), axis=0, norm="ortho")[:COEFFICIENTS]).float()
    return (basis @ decibels).transpose(1, 2)


def _contour(audio: Tensor, hertz: np.ndarray) -> Tensor:
    """(notes, frames): the pitch as heard where it is near the note's own, else the note's own."""
    length = tracker.WINDOW + int(RATE / tracker.LOWEST) + 1
    padded = np.pad(audio.numpy(), ((0, 0), (length // 2 - HOP, length)))
    heard = tracker.track(padded, RATE, HOP)
    count = audio.shape[1] // HOP
    own = np.broadcast_to(hertz[:, None], (len(hertz), count))
    found = heard.hertz[:, :count]
    near = heard.voiced[:, :count] & (np.abs(tracker.cents(found, own)) <= NEAR)
    return torch.from_numpy(np.where(near, found, own).astype(np.float32))
