"""What every data set is made into: recordings as frames, with the times at which something begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

TOGETHER = 0.03
"""Seconds: onsets as close as that are one to the ear."""


@dataclass(frozen=True)
class Clip:
    """One recording.

    Attributes
    ----------
    features : np.ndarray
        (frames, 64) float16, of :func:`.features.log_mel`.
    onsets : np.ndarray
        (n,) seconds, ascending, merged by :func:`merged`.
    source : int
        Number of its source.
    """

    features: np.ndarray
    onsets: np.ndarray
    source: int


def merged(times: np.ndarray) -> np.ndarray:
    """Onsets that lie within 30 ms as one, at their mean.

    So it is done with the notes of a chord and the drums of one stroke in the field's evaluation: Boeck, Krebs and
    Schedl, "Evaluating the online capabilities of onset detection methods", ISMIR 2012. A group is what follows its
    first onset by at most 30 ms.

    Parameters
    ----------
    times
        (n,) seconds, in any order.
    """
    groups: list[list[float]] = []
    for time in np.sort(np.asarray(times, np.float64)).tolist():
        if groups and time - groups[-1][0] <= TOGETHER:
            groups[-1].append(time)
        else:
            groups.append([time])
    return np.array([sum(group) / len(group) for group in groups], np.float64)


def pack(clips: Sequence[Clip]) -> dict[str, np.ndarray]:
    """Clips as a few arrays for the cache."""
    return {
        "features": np.concatenate([clip.features for clip in clips]),
        "frames": np.array([len(clip.features) for clip in clips], np.int32),
        "onsets": np.concatenate([clip.onsets for clip in clips]).astype(np.float64),
        "counts": np.array([len(clip.onsets) for clip in clips], np.int32),
        "sources": np.array([clip.source for clip in clips], np.int32),
    }


def unpack(arrays: Mapping[str, np.ndarray]) -> list[Clip]:
    """The clips that :func:`pack` was given."""
    features = np.split(arrays["features"], np.cumsum(arrays["frames"])[:-1])
    onsets = np.split(arrays["onsets"], np.cumsum(arrays["counts"])[:-1])
    return [
        Clip(frames, times, int(source))
        for frames, times, source in zip(features, onsets, arrays["sources"], strict=True)
    ]
