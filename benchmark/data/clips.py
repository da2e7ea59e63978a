"""Clips: recordings as frames, with the times of the events in them; packed for the cache, and dealt out by fold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.data.cache import cached_arrays
from benchmark.data.logmel import LogMel
from benchmark.data.splits import SIDES, Side


@dataclass(frozen=True)
class Clip:
    """One recording.

    Attributes
    ----------
    features : np.ndarray
        (frames, bands) float16, of :meth:`benchmark.data.logmel.LogMel.frames`.
    events : tuple of np.ndarray
        Seconds of the events of each kind, ascending.
    source : int
        Number of what it must not be parted from in a split.
    """

    features: np.ndarray
    events: tuple[np.ndarray, ...]
    source: int


Rendering = tuple[np.ndarray, Sequence[np.ndarray], int]
"""Audio (samples,) int16, seconds of the events of each kind, and source."""


def framed(rendering: Rendering, mel: LogMel) -> Clip:
    """A rendered clip as frames; the one that is centred on its end is left out."""
    audio, events, source = rendering
    return Clip(mel.frames(audio / 32768)[: len(audio) // mel.hop], tuple(events), source)


def rendered(
    name: str, spec: Mapping[str, object], count: int, render: Callable[[int], Rendering], mel: LogMel
) -> tuple[list[Clip], str]:
    """The first clips that `render` makes and the sha256 of their audio, from the cache where it has them.

    Parameters
    ----------
    name, spec
        Of the cache's entry: all that `render` and `mel` depend on, as in :func:`benchmark.data.cache.cached_arrays`.
    count
        How many.
    render
        The clip of a number.
    """

    def build() -> dict[str, np.ndarray]:
        total = hashlib.sha256()
        made = []
        for index in range(count):
            rendering = render(index)
            total.update(rendering[0].astype("<i2").tobytes())
            made.append(framed(rendering, mel))
        return pack(made) | {"audio_digest": np.frombuffer(total.digest(), np.uint8)}

    arrays = cached_arrays(name, {**spec, "clips": count}, build)
    return unpack(arrays), bytes(arrays["audio_digest"]).hex()


def pack(clips: Sequence[Clip]) -> dict[str, np.ndarray]:
    """Clips as a few arrays for the cache."""
    return {
        "features": np.concatenate([clip.features for clip in clips]),
        "frames": np.array([len(clip.features) for clip in clips], np.int32),
        "events": np.concatenate([times for clip in clips for times in clip.events]).astype(np.float64),
        "counts": np.array([[len(times) for times in clip.events] for clip in clips], np.int32),
        "sources": np.array([clip.source for clip in clips], np.int32),
    }


def unpack(arrays: Mapping[str, np.ndarray]) -> list[Clip]:
    """The clips that :func:`pack` was given."""
    features = np.split(arrays["features"], np.cumsum(arrays["frames"])[:-1])
    counts = arrays["counts"]
    events = np.split(arrays["events"], np.cumsum(counts)[:-1])
    kinds = counts.shape[1]
    return [
        Clip(frames, tuple(events[kinds * i : kinds * (i + 1)]), int(source))
        for i, (frames, source) in enumerate(zip(features, arrays["sources"], strict=True))
    ]


@dataclass(frozen=True)
class Dealt:
    """Of every side: its folds, their clips, and the sha256 of the audio of each fold."""

    folds: Mapping[Side, Sequence[int]]
    clips: Mapping[Side, Sequence[Clip]]
    audio: Mapping[Side, Sequence[str]]


def dealt(seed: int, folds: int, counts: Sequence[int], of_fold: Callable[[int, int], tuple[list[Clip], str]]) -> Dealt:
    """The fold of the seed's number tests, the next one validates, the others train.

    Parameters
    ----------
    seed, folds
        Which fold is the first of how many.
    counts
        Clips of a fold in training, validation and test.
    of_fold
        The first clips of a fold and the sha256 of their audio. It is asked for as many in every role of a fold, so
        that all seeds share one rendering.
    """
    count = dict(zip(SIDES, counts, strict=True))
    order = [(seed + step) % folds for step in range(folds)]
    found = {fold: of_fold(fold, max(counts)) for fold in order}
    sides: dict[Side, list[int]] = {"train": order[2:], "validation": order[1:2], "test": order[:1]}
    return Dealt(
        sides,
        {side: [clip for fold in here for clip in found[fold][0][: count[side]]] for side, here in sides.items()},
        {side: [found[fold][1] for fold in here] for side, here in sides.items()},
    )
