"""The classical reference: onsets in three bands; :mod:`.compare` prints what it reaches.

A kick is an onset below 120 Hz, a snare one from 0.2 to 4 kHz, a hat one above 7 kHz: librosa's `onset_strength`
(half-wave rectified flux, Boeck and Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013) of the
mel bands there, and its peak picking, whose threshold is chosen on the validation clips for every drum.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.audio.events import score_items
from benchmark.data.clips import Clip
from benchmark.metrics import reduction

from .features import MEL, RATE
from .sounds import DRUM_NAMES

BANDS = ((0.0, 120.0), (200.0, 4000.0), (7000.0, MEL.highest))
"""Hz of kick, snare and hat."""
THRESHOLDS = tuple(float(d) for d in np.geomspace(0.05, 30, 28))
"""Values of `delta`: how far a peak stands over the mean around it, in units of the mean of the whole envelope."""


def envelopes(clip: Clip) -> np.ndarray:
    """(3, frames) onset strength in the band of each drum, of mean 1."""
    import librosa

    centres = librosa.mel_frequencies(MEL.bands + 2, fmin=MEL.lowest, fmax=MEL.highest)[1:-1]
    frames = clip.features.astype(np.float32).T
    flux = [
        librosa.onset.onset_strength(
            S=frames[(centres >= low) & (centres < high)], sr=RATE, hop_length=MEL.hop, center=False
        )
        for low, high in BANDS
    ]
    return np.stack([band / max(float(band.mean()), 1e-9) for band in flux])


def onsets(envelope: np.ndarray, threshold: float) -> np.ndarray:
    """Seconds of the onsets of one envelope."""
    import librosa

    frames = librosa.onset.onset_detect(
        onset_envelope=envelope, sr=RATE, hop_length=MEL.hop, normalize=False, delta=threshold, units="frames"
    )
    return np.asarray(frames * MEL.hop_seconds, np.float64)


def choose(validation: Sequence[Clip], tolerance: float) -> tuple[float, ...]:
    """The threshold of each drum with the best F1."""
    pooled = reduction("pooled_f1")
    strengths = [envelopes(clip) for clip in validation]

    def f1(drum: int, threshold: float) -> float:
        truth = [[clip.events[drum]] for clip in validation]
        guess = [[onsets(strength[drum], threshold)] for strength in strengths]
        return float(np.nan_to_num(pooled(score_items(truth, guess, tolerance))))

    return tuple(max(THRESHOLDS, key=lambda threshold: f1(drum, threshold)) for drum in range(len(DRUM_NAMES)))


def transcribe(clips: Sequence[Clip], thresholds: Sequence[float]) -> list[list[np.ndarray]]:
    """Strokes of every drum in every clip."""
    return [[onsets(band, t) for band, t in zip(envelopes(clip), thresholds, strict=True)] for clip in clips]
