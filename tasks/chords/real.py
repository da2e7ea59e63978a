"""Recorded data sets with chords, read through mirdata: GuitarSet, and songs whose audio the user has.

Who is on which side stands in `splits/`, one manifest a data set, which never changes. A seed only chooses the
rotation. Of a long song, the middle is taken, except in the `full` profile.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.data import mirsets, recordings, splits
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.mirsets import MirSet
from benchmark.data.notes import to_int16
from benchmark.data.recordings import UnusableError
from benchmark.data.splits import Manifest, Side
from benchmark.digest import digest_json
from benchmark.errors import DataError
from benchmark.task import Data, Profile

from . import songs
from .harmony import CLASS_LABELS, OUT
from .patches import usable
from .piece import HOP, RATE
from .recordings import CONTEXT
from .score import classes
from .sets import SETS, RealSet, manifest
from .songs import Song, Songs

LONGEST: Mapping[Profile, float | None] = {"smoke": 10.0, "quick": 60.0, "full": None}
"""Seconds that are taken of a song."""
VALIDATION_STRIDE = 6
APART = 5.0
"""Seconds by which a recording and its annotation may end apart: further, and it is another recording."""


@dataclass(frozen=True)
class Loaded:
    """A song that can be used, and what it came from."""

    song: Song
    audio: str
    """sha256 of its file."""


def load(name: str, home: Path | None, profile: Profile, seed: int) -> Data:
    """The splits of a data set in a folder.

    Raises
    ------
    DataError
        mirdata, the folder, its index, or every song of a side is missing: what to put where.
    """
    real, split = SETS[name], manifest(name)
    found = mirsets.opened(real.data, home)
    members = split.members(seed)
    wanted = [item for side in splits.SIDES for item in members[side]]
    loaded, missing = recordings.sort_out(wanted, lambda item: _load(real, found, split, item, LONGEST[profile]))
    twice = recordings.same_bytes({item: one.audio for item, one in loaded.items()})
    missing += [f"{item}: the same bytes as {other}" for item, other in twice.items()]
    used = {side: {i: loaded[i] for i in members[side] if i in loaded and i not in twice} for side in splits.SIDES}
    for side, here in used.items():
        if not any(_has_class(one.song) for one in here.values()):
            first = f" ({missing[0]})" if missing else ""
            raise DataError(
                f"no song of {name} in {home} to {_PURPOSE[side]} on: {sum(map(len, used.values()))} of {len(wanted)}"
                f" are usable{first}; {mirsets.how_to_get(real.data)}"
            )
    return _data(real, split, used, missing, LONGEST[profile])


_PURPOSE: Mapping[Side, str] = {"train": "train", "validation": "validate", "test": "test"}


def _load(real: RealSet, found: MirSet, split: Manifest, item: str, longest: float | None) -> Loaded:
    path = _audio(real, found, item)
    audio = recordings.digest(path)
    intervals, labels = _annotation(real, found, item)
    lasts, ends = recordings.seconds(path), float(intervals[:, 1].max())
    if abs(lasts - ends) > APART:
        raise UnusableError(f"{path.name} lasts {lasts:.1f} s and its annotation {ends:.1f} s: another recording")
    start = 0.0 if longest is None else max(0.0, (lasts - longest) / 2)
    features = _features(path, audio, start, longest)
    named = songs.frame_labels(intervals, labels, start, features.shape[1] - 2 * CONTEXT)
    return Loaded(Song(features, named, split.sources.index(split.items[item]["source"])), audio)


def _audio(real: RealSet, found: MirSet, item: str) -> Path:
    """The recording of an item whose files are all there."""
    if item not in found.index["tracks"]:
        raise UnusableError("not in mirdata's index")
    files = {name: path for name, (path, _) in found.files(item).items()}
    if not files:
        raise UnusableError("mirdata's index has no recording or no annotation of it")
    absent = [path for path in files.values() if not (found.home / path).is_file()]
    if absent:
        raise UnusableError(" and ".join(f"no file {path}" for path in absent))
    for name in files.keys() - {real.audio}:
        recordings.content(found.home / files[name])
    return found.home / files[real.audio]


def _annotation(real: RealSet, found: MirSet, item: str) -> tuple[np.ndarray, list[str]]:
    """(n, 2) seconds, and n labels."""
    try:
        chords = real.chords(found.dataset.track(item))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, csv.Error) as error:
        raise UnusableError(f"its annotation cannot be read ({' '.join(str(error).split())[:120]})") from None
    if not len(chords.labels):
        raise UnusableError("its annotation has no chord")
    for label in dict.fromkeys(chords.labels):
        if not songs.readable(label):
            raise UnusableError(f"its annotation has {label!r}, which is no chord")
    return np.asarray(chords.intervals, np.float64), list(chords.labels)


def _has_class(song: Song) -> bool:
    return bool((classes(tuple(sorted(set(song.labels)))) != OUT).any())


def _generator() -> str:
    """Digest of the code that features and labels come from."""
    here = Path(__file__)
    return generator_digest(here, here.with_name("songs.py"), here.with_name("recordings.py"), recordings)


def _features(path: Path, audio: str, start: float, longest: float | None) -> np.ndarray:
    """(bins, frames) float16 of a part of a recording, from the cache where it has them."""
    spec = {"file": audio, "code": _generator(), "start": start, "longest": longest}

    def build() -> dict[str, np.ndarray]:
        heard = to_int16(recordings.mono(path, RATE, start, longest))
        whole = heard[: len(heard) // HOP * HOP]
        if not len(whole):
            raise UnusableError(f"{path.name} is shorter than a frame")
        return {"features": songs.constant_q(whole).astype(np.float16)}

    return cached_arrays("chords-songs", spec, build)["features"]


def _data(
    real: RealSet,
    split: Manifest,
    used: Mapping[Side, Mapping[str, Loaded]],
    missing: list[str],
    longest: float | None,
) -> Data:
    mean, deviation = songs.statistics([one.song for one in used["train"].values()])
    strides = {"train": 1, "validation": VALIDATION_STRIDE, "test": 1}
    sides = {
        side: Songs([one.song for one in here.values()], mean, deviation, strides[side]) for side, here in used.items()
    }
    # Not the features: their last bits differ between processors, the bytes of the files do not.
    content = {
        side: [[item, one.audio, one.song.source, list(one.song.labels)] for item, one in here.items()]
        for side, here in used.items()
    }
    facts: dict[str, object] = {
        "licence": real.data.licence,
        "generator": _generator(),
        "split": real.split,
        "seconds of a song": longest,
        "features": {"mean": mean, "deviation": deviation},
        "missing": missing,
        "splits": {side: _describe(list(here), sides[side], split) for side, here in used.items()},
    }
    return Data(
        sides["train"],
        sides["validation"],
        sides["test"],
        digest=digest_json({"generator": _generator(), "split": real.split, "longest": longest, "content": content}),
        manifest=facts,
    )


def _describe(items: list[str], rows: Songs, split: Manifest) -> dict[str, object]:
    kinds = sorted({kind for item in items for kind in split.items[item]} - {"fold"})
    return {
        "songs": items,
        "rows": len(rows),
        "usable_rows": len(usable(rows)),
        "sources": len(np.unique(rows.sources)),
        **{f"{kind} names": sorted({split.items[item][kind] for item in items}) for kind in kinds},
        "classes": {
            (CLASS_LABELS[c] if c >= 0 else "other"): n for c, n in sorted(Counter(rows.targets.tolist()).items())
        },
    }
