"""What both data sets are made into: recordings as frames, with the times of their strokes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .sounds import DRUM_NAMES


@dataclass(frozen=True)
class Clip:
    """One recording.

    Attributes
    ----------
    features : np.ndarray
        (frames, 64) float16, of :func:`.features.log_mel`.
    strokes : tuple of np.ndarray
        Seconds of the strokes of each drum, ascending.
    source : int
        Its pattern, or its song.
    """

    features: np.ndarray
    strokes: tuple[np.ndarray, ...]
    source: int


def pack(clips: Sequence[Clip]) -> dict[str, np.ndarray]:
    """Clips as a few arrays for the cache."""
    return {
        "features": np.concatenate([clip.features for clip in clips]),
        "frames": np.array([len(clip.features) for clip in clips], np.int32),
        "strokes": np.concatenate([times for clip in clips for times in clip.strokes]).astype(np.float64),
        "counts": np.array([[len(times) for times in clip.strokes] for clip in clips], np.int32),
        "sources": np.array([clip.source for clip in clips], np.int32),
    }


def unpack(arrays: Mapping[str, np.ndarray]) -> list[Clip]:
    """The clips that :func:`pack` was given."""
    features = np.split(arrays["features"], np.cumsum(arrays["frames"])[:-1])
    counts = arrays["counts"].reshape(-1)
    strokes = np.split(arrays["strokes"], np.cumsum(counts)[:-1])
    drums = len(DRUM_NAMES)
    return [
        Clip(frames, tuple(strokes[drums * i : drums * (i + 1)]), int(source))
        for i, (frames, source) in enumerate(zip(features, arrays["sources"], strict=True))
    ]
