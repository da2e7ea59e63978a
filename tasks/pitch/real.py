"""Recorded data sets with pitch, read through mirdata: singing (vocadito), and stems of songs, resynthesised with exact
pitch (MDB-stem-synth) or as they are (MedleyDB-Pitch).

Who is on which side never changes. Of vocadito, the singers were dealt into five folds of eight excerpts once and for
all, below. Of stems, an artist's fold is a hash of the name. A seed only chooses which fold tests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data import mirsets
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.mirsets import MirSet
from benchmark.data.notes import to_int16
from benchmark.data.recordings import UnusableError, annotated, digest, mono, same_bytes, sort_out
from benchmark.errors import DataError
from benchmark.task import DataSet, Mirdata

from .model import RATE
from .recordings import HOP, Clips

VOCADITO: tuple[Mapping[str, tuple[int, ...]], ...] = (
    {"S29": (37, 38, 39), "S28": (35, 36), "S16": (21,), "S24": (30,), "S7": (10,)},
    {"S1": (1, 3, 8), "S13": (18,), "S10": (13,), "S27": (34,), "S2": (2,), "S18": (23,)},
    {"S6": (7, 9, 16), "S5": (6,), "S3": (4,), "S8": (11,), "S4": (5,), "S19": (24,)},
    {"S9": (12, 40), "S23": (29, 31), "S11": (14,), "S25": (32,), "S22": (27,), "S15": (20,)},
    {"S21": (26, 28), "S12": (15, 17), "S20": (25,), "S26": (33,), "S17": (22,), "S14": (19,)},
)
"""Singers and their excerpts, fold by fold."""
FOLDS = 5
LEAD = 0.25
"""Seconds before the first voiced frame that are kept."""


@dataclass(frozen=True)
class RealSet:
    """A data set, how it is dealt, and how much of a track is taken."""

    data: DataSet
    place: Callable[[str], tuple[int, str] | None]
    """From a track's id to its fold and the name of its source; None: not of the published set."""
    longest: float
    """Seconds that are taken of a track, from its first voiced frame on."""
    annotation: str = "f0"
    """mirdata's name of it."""


def _singer(track: str) -> tuple[int, str] | None:
    for fold, singers in enumerate(VOCADITO):
        for singer, excerpts in singers.items():
            if track in map(str, excerpts):
                return fold, singer
    return None


def _artist(track: str) -> tuple[int, str] | None:
    artist = track.split("_")[0]
    return hashlib.sha256(artist.encode()).digest()[0] % FOLDS, artist


SETS: Mapping[str, RealSet] = {
    real.data.name: real
    for real in (
        RealSet(
            DataSet(
                "vocadito",
                "vocadito: 40 excerpts of 29 solo singers, annotated by hand",
                "CC BY 4.0",
                needs_home=True,
                mirdata=Mirdata("vocadito", files=("audio", "f0")),
                layout="or from zenodo.org/records/5578807 unpack vocadito.zip into DIR",
            ),
            _singer,
            60.0,
        ),
        RealSet(
            DataSet(
                "mdb_stem_synth",
                "MDB-stem-synth: 230 stems resynthesised with exact pitch",
                "CC BY-NC 4.0",
                needs_home=True,
                mirdata=Mirdata("mdb_stem_synth", files=("audio", "f0")),
                layout="or from zenodo.org/records/1481172 unpack MDB-stem-synth.tar.gz as DIR/audio_stems/*.wav and"
                " DIR/annotation_stems/*.csv",
            ),
            _artist,
            20.0,
        ),
        RealSet(
            DataSet(
                "medleydb_pitch",
                "MedleyDB-Pitch: 103 stems, annotated by hand",
                "CC BY-NC-SA 4.0",
                needs_home=True,
                mirdata=Mirdata("medleydb_pitch", files=("audio", "pitch"), own=("audio", "pitch")),
                layout="ask for MedleyDB-Pitch on zenodo.org/records/2620624 and unpack it as DIR/audio/*.wav and"
                " DIR/pitch/*.csv",
            ),
            _artist,
            20.0,
            "pitch",
        ),
    )
}


@dataclass(frozen=True)
class Found:
    """A track that can be used.

    Attributes
    ----------
    fold, source
        Where it belongs.
    sha256 : str
        Of its audio's file.
    audio, hertz : np.ndarray
        Of :func:`excerpt`.
    """

    fold: int
    source: str
    sha256: str
    audio: np.ndarray
    hertz: np.ndarray


def load(name: str, home: Path | None, order: Sequence[int]) -> tuple[list[Clips], dict[str, object]]:
    """The tracks of the folds in that order, and what the manifest says of them.

    Raises
    ------
    DataError
        mirdata, the folder, the index or all tracks of a fold are missing.
    """
    of = SETS[name]
    opened = mirsets.opened(of.data, home)
    read, missing = sort_out(opened.tracks(), lambda track: _read(of, opened, track))
    twice = same_bytes({track: found.sha256 for track, found in read.items()})
    missing += [f"{track}: the same bytes as {other}" for track, other in twice.items()]
    tracks = {track: found for track, found in read.items() if track not in twice}
    names = sorted({found.source for found in tracks.values()})
    parts = []
    for fold in order:
        here = [found for found in tracks.values() if found.fold == fold]
        if not here:
            first = f" ({missing[0]})" if missing else ""
            raise DataError(f"{home} has no track of fold {fold} of {name}{first}; {mirsets.how_to_get(of.data)}")
        parts.append(
            Clips(
                np.concatenate([found.audio for found in here]),
                np.concatenate([found.hertz for found in here]),
                np.array([len(found.hertz) for found in here], np.int64),
                np.array([names.index(found.source) for found in here], np.int64),
            )
        )
    facts: dict[str, object] = {
        "tracks": {str(fold): [t for t, found in tracks.items() if found.fold == fold] for fold in sorted(order)},
        "sources": names,
        "missing": missing,
    }
    return parts, facts


def _read(of: RealSet, opened: MirSet, track: str) -> Found:
    """A track, its excerpt from the cache where it has it."""
    place = of.place(track)
    if place is None:
        raise UnusableError(f"not in this task's split of {of.data.name}")
    sha256, annotation = (digest(opened.path(track, file)) for file in ("audio", of.annotation))
    spec = {"code": generator_digest(Path(__file__)), "files": [sha256, annotation], "longest": of.longest}

    def build() -> dict[str, np.ndarray]:
        return dict(zip(("audio", "hertz"), excerpt(of, opened.dataset.track(track)), strict=True))

    arrays = cached_arrays("pitch-real", spec, build)
    return Found(*place, sha256, arrays["audio"], arrays["hertz"])


def excerpt(of: RealSet, track: Any) -> tuple[np.ndarray, np.ndarray]:
    """The longest excerpt of a track of mirdata's from the first voiced frame on: audio int16 at 16 kHz, Hz by 10 ms.

    Raises
    ------
    UnusableError
        A file cannot be read, or the annotation has no voiced frame.
    """
    annotation = annotated(lambda: getattr(track, of.annotation))
    times, hertz = np.asarray(annotation.times), np.asarray(annotation.frequencies)
    voiced = np.flatnonzero(hertz > 0)
    if not len(voiced):
        raise UnusableError("its annotation has no voiced frame")
    start = max(0.0, float(times[voiced[0]]) - LEAD)
    sound = mono(Path(track.audio_path), RATE, start, of.longest)
    frames = len(sound) // HOP
    return to_int16(sound[: frames * HOP]), at(times, hertz, start + np.arange(frames) * HOP / RATE)


def at(times: np.ndarray, hertz: np.ndarray, when: np.ndarray) -> np.ndarray:
    """An annotation (n,) in Hz, 0 or less: no pitch, at other times (m,), float32.

    Between two voiced points the pitch is interpolated in cents; else the nearer point is taken. Beyond the first and
    last points there is no pitch.
    """
    right = np.clip(np.searchsorted(times, when), 1, len(times) - 1)
    left = right - 1
    part = np.clip((when - times[left]) / (times[right] - times[left]), 0, 1)
    log = np.log(np.where(hertz > 0, hertz, 1.0))
    nearest = np.where(part < 0.5, left, right)
    both = (hertz[left] > 0) & (hertz[right] > 0)
    pitch = np.exp(np.where(both, log[left] * (1 - part) + log[right] * part, log[nearest]))
    inside = (when >= times[0]) & (when <= times[-1])
    return np.where(inside & (hertz[nearest] > 0), pitch, 0.0).round(3).astype(np.float32)
