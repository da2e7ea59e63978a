"""The classical reference: chroma against binary triads. `python -m tasks.chords.template` prints its scores as JSON.

Fujishima, "Realtime chord recognition of musical sound", ICMC 1999: a frame is the triad whose binary template has the
largest cosine with its chroma, here from librosa's `chroma_cqt`, median-filtered over time. N is said where the largest
cosine stays under a threshold. Threshold and filter length are chosen on the validation clips.
"""

from __future__ import annotations

import json
import sys
from itertools import product
from pathlib import Path

import numpy as np

from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.metrics import reduction

from . import recordings, sounds
from .harmony import NO_CHORD, Chord
from .piece import HOP, HOP_SECONDS, RATE
from .score import score_items
from .task import CLIPS

LENGTHS = (1, 5, 9, 13)
THRESHOLDS = tuple(np.arange(0.5, 0.9, 0.05).tolist())


def triads() -> np.ndarray:
    """(24, 12) rows of unit length: major, then minor triads."""
    rows = np.zeros((24, 12))
    for number, (quality, root) in enumerate(product(("maj", "min"), range(12))):
        rows[number, list(Chord(root, quality).pitch_classes)] = 1 / np.sqrt(3)
    return rows


def chroma(audio: np.ndarray) -> np.ndarray:
    """(12, FRAMES) float32 of int16 audio, frames as in the task."""
    import librosa

    centred = audio[HOP // 2 :].astype(np.float32) / 32768
    return librosa.feature.chroma_cqt(y=centred, sr=RATE, hop_length=HOP).astype(np.float32)


def recognise(chromas: np.ndarray, length: int, threshold: float) -> np.ndarray:
    """(clips, 12, frames) -> classes (clips, frames)."""
    from scipy.ndimage import median_filter

    smooth = median_filter(chromas, (1, 1, length), mode="nearest")
    norm = np.linalg.norm(smooth, axis=1, keepdims=True)
    cosines = np.einsum("kp,cpf->ckf", triads(), smooth / np.maximum(norm, 1e-9))
    return np.where(cosines.max(1) < threshold, NO_CHORD, cosines.argmax(1))


def fold_chroma(fold: int, clips: int) -> dict[str, np.ndarray]:
    """`chroma` (clips, 12, FRAMES) and `codes` (clips, FRAMES) of a fold's first clips, cached."""

    def build() -> dict[str, np.ndarray]:
        rendered = [recordings.render(fold, index) for index in range(clips)]
        return {
            "chroma": np.stack([chroma(audio) for audio, *_ in rendered]),
            "codes": np.stack([codes for _, codes, *_ in rendered]),
        }

    spec = {"clips": recordings.generator(), "chroma": generator_digest(Path(__file__)), "fold": fold, "count": clips}
    return cached_arrays("chords-chroma", spec, build)


def score(codes: np.ndarray, guess: np.ndarray) -> float:
    """WCSR of `majmin`."""
    return reduction("ratio")(score_items(codes, guess, HOP_SECONDS)["majmin"])


def main() -> None:
    """Print scores and choices for seeds 0 to 2 at `quick`."""
    count = CLIPS["quick"][1]
    results = {}
    for seed in range(3):
        test, validation = (fold_chroma((seed + step) % sounds.FOLDS, count) for step in range(2))
        length, threshold = max(
            product(LENGTHS, THRESHOLDS), key=lambda p: score(validation["codes"], recognise(validation["chroma"], *p))
        )
        wcsr = score(test["codes"], recognise(test["chroma"], length, threshold))
        results[seed] = {"wcsr": round(wcsr, 4), "median": length, "threshold": round(threshold, 2)}
    sys.stdout.write(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
