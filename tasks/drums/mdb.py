"""MDB Drums as it lies in a folder: songs, strokes, sides, and what cannot be used.

Southall, Wu, Lerch and Hockman, "MDB Drums: an annotated subset of MedleyDB for automatic drum transcription", ISMIR
2017 late-breaking (github.com/CarlSouthall/MDBDrums). The folder is the published one, `DIR/MDB Drums/audio/drum_only`
and `DIR/MDB Drums/annotations/class`, or `MDB Drums` itself. An annotation is a line a stroke: seconds, tab, class.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benchmark.errors import DataError

from . import recordings
from .recordings import Recording, Sides, UnusableError
from .sounds import DRUM_NAMES

HALVES = (
    (
        *("Beatles", "Country1", "FreeJazz", "Gospel", "Grunge", "Hendrix", "LatinJazz", "ModalJazz", "Punk"),
        *("SpeedMetal", "SwingJazz"),
    ),
    (
        *("Rock", "BebopJazz", "Zeppelin", "Disco", "Britpop", "Rockabilly", "FusionJazz", "Shadows", "CoolJazz"),
        *("80sRock", "FunkJazz", "Reggae"),
    ),
)
"""Songs of the test and the training half of MIREX 2017, as the data set's page has them; the order is ours."""
SONGS = tuple(sorted(song for half in HALVES for song in half))
"""A song's place is the number of its source."""
VALIDATION = 4
"""Every fourth song of the half that trains, validates."""
CLASSES = (*DRUM_NAMES, "TT", "CY", "OT")
"""What annotations may say; toms, cymbals and others have no label here."""
_WHERE = (
    "get MDB Drums from github.com/CarlSouthall/MDBDrums and give --data-home DIR with DIR/MDB Drums/audio/drum_only"
    " and DIR/MDB Drums/annotations/class"
)


def sides(songs: Iterable[str], seed: int) -> dict[str, list[str]]:
    """Which song trains, validates and tests.

    Even seeds test on the test half of MIREX 2017 and train on the other; odd seeds the other way round, so that two
    seeds in a row test every song. A fourth of the songs that train validates: the same for both seeds of a pair,
    others for the next pair.
    """
    present = set(songs)
    test, train = ([song for song in HALVES[(seed + half) % 2] if song in present] for half in range(2))
    held = set(train[seed // 2 % max(min(VALIDATION, len(train)), 1) :: VALIDATION])
    return {
        "train": [song for song in train if song not in held],
        "validation": [song for song in train if song in held],
        "test": test,
    }


def load(home: Path | None, seed: int) -> Sides:
    """Every song that can be used, on its side.

    Raises
    ------
    DataError
        No folder was named, it is not the data set, or a side has too little.
    """
    usable, missing = scan(home)
    used = {side: [usable[song] for song in songs] for side, songs in sides(usable, seed).items()}
    return recordings.checked(Sides(used, missing), "mdb_drums", _WHERE)


def scan(home: Path | None) -> tuple[dict[str, Recording], tuple[str, ...]]:
    """The songs that can be used, by name, and those that cannot, each with its reason.

    Raises
    ------
    DataError
        No folder was named, or it is not the data set.
    """
    root = _root(home)
    usable: dict[str, Recording] = {}
    missing: list[str] = []
    for number, song in enumerate(SONGS):
        name = f"MusicDelta_{song}"
        audio = root / "audio" / "drum_only" / f"{name}_Drum.wav"
        try:
            notes = recordings.content(root / "annotations" / "class" / f"{name}_class.txt")
            strokes = parse(notes.decode("utf-8", "replace"))
            usable[song] = recordings.recording(name, number, strokes, audio, notes)
        except UnusableError as reason:
            missing.append(f"{name}: {reason}")
    return usable, tuple(missing)


def parse(text: str) -> tuple[np.ndarray, ...]:
    """Strokes of each drum from an annotation: seconds, ascending; the same stroke twice counts once."""
    found: dict[str, set[float]] = {name: set() for name in CLASSES}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            time, name = float(words[0]), words[1]
            found[name].add(time)
        except (ValueError, IndexError, KeyError):
            raise UnusableError(f"annotation line {number} is not `seconds class`: {line.strip()[:40]!r}") from None
        if not 0 <= time < np.inf:
            raise UnusableError(f"annotation line {number} is not a time: {line.strip()[:40]!r}")
    return tuple(np.array(sorted(found[name])) for name in DRUM_NAMES)


def _root(home: Path | None) -> Path:
    if home is None:
        raise DataError(f"the data set mdb_drums needs recordings; {_WHERE}")
    for root in (home / "MDB Drums", home):
        if (root / "annotations" / "class").is_dir():
            return root
    raise DataError(f"no MDB Drums in {home}; {_WHERE}")
