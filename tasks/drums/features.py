"""From audio to the log-mel frames that the net sees, and from seconds to frames and back."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

RATE = 44_100
HOP, N_FFT = 512, 2048
HOP_SECONDS = HOP / RATE
MELS = 64
PATCH = 15
"""Frames of a patch: the answer is about the middle one, 81 ms of sound on each side of it are seen."""
CONTEXT = PATCH // 2
BAND = (30.0, 16_000.0)
COMPRESSION = 100.0
"""Of magnitudes in units of the recording's mean."""


def log_mel(audio: np.ndarray) -> np.ndarray:
    """Log-compressed mel magnitudes, in units of the recording's mean, so that its gain does not matter.

    Parameters
    ----------
    audio
        (samples,) floating point at 44.1 kHz.

    Returns
    -------
    numpy.ndarray
        (frames, 64) float16; frame i is centred on sample 512 i.
    """
    import librosa

    magnitude = np.abs(librosa.stft(audio.astype(np.float32), n_fft=N_FFT, hop_length=HOP))
    mel = filters() @ magnitude
    compressed: np.ndarray = np.log1p(COMPRESSION * mel / (mel.mean() + 1e-9)).T.astype(np.float16)
    return compressed


def frame_of(seconds: np.ndarray) -> np.ndarray:
    """The frame nearest to each time."""
    return np.rint(np.asarray(seconds, np.float64) / HOP_SECONDS).astype(np.int64)


@lru_cache
def filters() -> np.ndarray:
    """(64, bins) triangular filters of librosa, each of unit sum, so that bands are comparable."""
    import librosa

    bank = librosa.filters.mel(sr=RATE, n_fft=N_FFT, n_mels=MELS, fmin=BAND[0], fmax=BAND[1], norm=None)
    return np.asarray(bank / bank.sum(1, keepdims=True), np.float32)
