"""Log-mel frames: what a net sees of a recording, whatever its gain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

COMPRESSION = 100.0
"""Of magnitudes in units of the recording's mean."""


@dataclass(frozen=True)
class LogMel:
    """How audio becomes frames, and seconds become frames."""

    rate: int
    """Samples a second."""
    hop: int
    """Samples from frame to frame."""
    lowest: float
    highest: float
    """Hz: between them the bands are spread."""
    bands: int = 64
    window: int = 2048
    """Samples."""

    @property
    def hop_seconds(self) -> float:
        """From frame to frame."""
        return self.hop / self.rate

    def frames(self, audio: np.ndarray) -> np.ndarray:
        """Log-compressed mel magnitudes, in units of the recording's mean, so that its gain does not matter.

        Parameters
        ----------
        audio
            (samples,) floating point at `rate`.

        Returns
        -------
        numpy.ndarray
            (samples // hop + 1, bands) float16; frame i is centred on sample `hop * i`.
        """
        import librosa

        magnitude = np.abs(librosa.stft(audio.astype(np.float32), n_fft=self.window, hop_length=self.hop))
        mel = self.filters @ magnitude
        compressed: np.ndarray = np.log1p(COMPRESSION * mel / (mel.mean() + 1e-9)).T.astype(np.float16)
        return compressed

    def nearest(self, seconds: np.ndarray) -> np.ndarray:
        """The frame nearest to each time."""
        return np.rint(np.asarray(seconds, np.float64) / self.hop_seconds).astype(np.int64)

    @cached_property
    def filters(self) -> np.ndarray:
        """(bands, window / 2 + 1) triangular filters of librosa, each of unit sum, so that bands are comparable."""
        import librosa

        bank = librosa.filters.mel(
            sr=self.rate, n_fft=self.window, n_mels=self.bands, fmin=self.lowest, fmax=self.highest, norm=None
        )
        return np.asarray(bank / bank.sum(1, keepdims=True), np.float32)
