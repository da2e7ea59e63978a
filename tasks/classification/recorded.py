"""From recordings in a folder to three splits and their manifest, for data sets that are published with labels."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmark.data import recordings
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.recordings import UnusableError, sort_out
from benchmark.digest import digest_json
from benchmark.errors import DataError
from benchmark.task import Data, Profile

from . import clips, features
from .clips import SIDES, Clips, Side
from .features import ONSET, RATE

MOST: Mapping[Profile, int | None] = {"smoke": 12, "quick": 1000, "full": None}
"""Takes of a class on a side, chosen by the hash of their names."""
WHOLE = 0.9
"""Seconds that must be left for another patch."""


@dataclass(frozen=True)
class Take:
    """One recording that a data set lists and that is there."""

    name: str
    """As a manifest names it."""
    path: Path
    label: int
    source: str
    """What must not be on two sides: a song, a singer, a note, an instrument."""
    side: Side


@dataclass(frozen=True)
class Found:
    """What a folder has of a data set."""

    takes: Sequence[Take]
    missing: Sequence[str]
    """Files that should be usable and are not, each with the reason."""
    not_used: Mapping[str, int] = field(default_factory=dict)
    """How many are there by right and are no part of the task, by reason."""
    facts: Mapping[str, object] = field(default_factory=dict)


def build(found: Found, classes: Sequence[str], seconds: int, profile: Profile, mend: str) -> Data:
    """Three splits; no source and no file is on two sides.

    Parameters
    ----------
    found
        What is there.
    classes
        Their names, by number.
    seconds
        Patches of one second that a take is cut into, at most, from its onset on. Outputs are averaged over them.
    profile
        How much of it is used.
    mend
        End of an error line: what to put where.

    Raises
    ------
    DataError
        A class cannot be trained on, or a side has too little to score.
    """
    settled = _one_side(found.takes)
    kept = _few(settled, profile)
    usable, unread = sort_out(kept, lambda name: recordings.digest(kept[name].path))
    twice = _under_two_names(kept, usable)
    chosen = [kept[name] for name in usable if name not in twice]
    arrays = _features(chosen, [usable[take.name] for take in chosen], seconds)
    numbers = {source: number for number, source in enumerate(sorted({take.source for take in found.takes}))}
    parts = {side: _side(chosen, arrays, numbers, side) for side in SIDES}
    _require(parts, classes, mend)
    first = np.cumsum(np.r_[0, arrays["patches"]])
    digests = {int(first[n]): usable[take.name] for n, take in enumerate(chosen) if arrays["patches"][n]}
    held = {side: clips.content(parts[side], digests) for side in SIDES}
    code = generator_digest(Path(features.__file__), Path(__file__))
    return Data(
        parts["train"],
        parts["validation"],
        parts["test"],
        digest_json({"features": code, "seconds": seconds, "content": held}),
        {
            "classes": list(classes),
            **found.facts,
            "missing": [
                *found.missing,
                *unread,
                *(f"{name}: the same bytes as a file of another source or class" for name in sorted(twice)),
                *(f"{chosen[n].name}: silent, or not audio" for n in np.flatnonzero(arrays["patches"] == 0)),
            ],
            "not_used": {
                **found.not_used,
                "of a source that is on another side": len(found.takes) - len(settled),
                "beyond what the profile takes": len(settled) - len(kept),
            },
            "splits": {side: clips.counts(parts[side], classes) for side in SIDES},
        },
    )


def excerpt(sound: np.ndarray, seconds: int) -> list[np.ndarray]:
    """Patches (64, 50) of a sound (samples,) at 22,050 Hz: second by second from its onset, as long as it is heard."""
    level = np.abs(sound)
    audible = ONSET * level.max(initial=0.0)
    start = int(np.argmax(level >= audible))
    patches = []
    for first in range(start, start + seconds * RATE, RATE):
        part = sound[first : first + RATE]
        if first > start and (len(part) < WHOLE * RATE or np.abs(part).max() < audible):
            break
        patch = features.log_mel(part, RATE)
        if patch is not None:
            patches.append(patch)
    return patches


def _one_side(takes: Sequence[Take]) -> dict[str, Take]:
    """Takes by name. A source that is published on several sides stays in test, or else in validation."""
    side: dict[str, Side] = {}
    for take in takes:
        side[take.source] = max(side.get(take.source, "train"), take.side, key=SIDES.index)
    return {take.name: take for take in takes if take.side == side[take.source]}


def _few(takes: Mapping[str, Take], profile: Profile) -> dict[str, Take]:
    most = MOST[profile]
    seen: Counter[tuple[Side, int]] = Counter()
    kept = set()
    for name in sorted(takes, key=lambda name: hashlib.sha256(name.encode()).digest()):
        where = takes[name].side, takes[name].label
        seen[where] += 1
        if most is None or seen[where] <= most:
            kept.add(name)
    return {name: take for name, take in takes.items() if name in kept}


def _under_two_names(takes: Mapping[str, Take], digests: Mapping[str, str]) -> set[str]:
    """Takes whose bytes are also those of another source or class: which is right cannot be told from here."""
    meant: dict[str, set[tuple[int, str]]] = {}
    for name, digest in digests.items():
        meant.setdefault(digest, set()).add((takes[name].label, takes[name].source))
    return {name for name, digest in digests.items() if len(meant[digest]) > 1}


def _features(takes: Sequence[Take], digests: Sequence[str], seconds: int) -> Mapping[str, np.ndarray]:
    """`features` (patches, 64, 50) float16 of all takes in order, and `patches` (takes,), how many of each."""
    code = generator_digest(Path(features.__file__), Path(__file__), Path(recordings.__file__))
    spec = {"files": list(digests), "seconds": seconds, "code": code}

    def build() -> dict[str, np.ndarray]:
        cut = [_read(take.path, seconds) for take in takes]
        empty = np.zeros((0, features.MELS, features.FRAMES), np.float16)
        return {
            "features": np.stack([p for patches in cut for p in patches]) if any(cut) else empty,
            "patches": np.array([len(patches) for patches in cut], np.int64),
        }

    return cached_arrays("classification-recorded", spec, build)


def _read(path: Path, seconds: int) -> list[np.ndarray]:
    try:
        return excerpt(recordings.mono(path, RATE), seconds)
    except UnusableError:
        return []


def _side(takes: Sequence[Take], arrays: Mapping[str, np.ndarray], numbers: Mapping[str, int], side: Side) -> Clips:
    ends = np.cumsum(arrays["patches"])
    here = [n for n, take in enumerate(takes) if take.side == side and arrays["patches"][n]]
    return clips.side_of(
        arrays["features"],
        [range(int(ends[n] - arrays["patches"][n]), int(ends[n])) for n in here],
        [takes[n].label for n in here],
        [numbers[takes[n].source] for n in here],
    )


def _require(parts: Mapping[Side, Clips], classes: Sequence[str], mend: str) -> None:
    trained = set(parts["train"].labels.tolist())
    absent = [name for number, name in enumerate(classes) if number not in trained]
    if absent:
        raise DataError(f"no usable recording of {', '.join(absent)} to train on; {mend}")
    for side in ("validation", "test"):
        if len(np.unique(parts[side].sources)) < 2:
            raise DataError(f"fewer than two usable sources for {side}; {mend}")
