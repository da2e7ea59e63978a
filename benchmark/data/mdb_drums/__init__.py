"""MDB Drums as it lies in a folder: its songs, their strokes, and which song is on which side.

Southall, Wu, Lerch and Hockman, "MDB Drums: an annotated subset of MedleyDB for automatic drum transcription", ISMIR
2017 late-breaking (github.com/CarlSouthall/MDBDrums). The folder is the published one, `DIR/MDB Drums/audio/drum_only`
and `DIR/MDB Drums/annotations/class`, or `MDB Drums` itself. An annotation is a line a stroke: seconds, tab, class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.data import splits
from benchmark.data.recordings import UnusableError, content
from benchmark.data.splits import Manifest
from benchmark.errors import DataError
from benchmark.task import DataSet

DATA = DataSet(
    "mdb_drums",
    "MDB Drums, the drum tracks of 23 songs of MedleyDB",
    "CC BY-NC-SA 4.0",
    needs_home=True,
    layout="get MDB Drums from github.com/CarlSouthall/MDBDrums and put it as DIR/MDB Drums/audio/drum_only and"
    " DIR/MDB Drums/annotations/class",
)
SPLIT = "5f3baf93599f1ba7c2e19de211a0fc9e9a98626809352f6f70086517b2698eef"
CLASSES = ("KD", "SD", "HH", "TT", "CY", "OT")
"""Kick, snare, hi-hat, toms, cymbals and others: what annotations say."""


@dataclass(frozen=True)
class Song:
    """Where the files of a song are, or would be."""

    audio: Path
    """Of the drums alone."""
    annotation: Path


def manifest() -> Manifest:
    """Who is on which side: even seeds test on the test half of MIREX 2017, odd ones on the other.

    A fourth of the half that trains, validates: the same songs for both of a pair of seeds.
    """
    return splits.read(Path(__file__).with_name("splits") / "mdb_drums.json", SPLIT)


def songs(home: Path | None) -> dict[str, Song]:
    """All 23 songs by name, whether their files are there or not.

    Raises
    ------
    DataError
        No folder was named, or it is not the data set.
    """
    if home is None:
        raise DataError(f"the data set {DATA.name} needs recordings; {DATA.layout}")
    for root in (home / "MDB Drums", home):
        if (root / "annotations" / "class").is_dir():
            return {
                song: Song(
                    root / "audio" / "drum_only" / f"MusicDelta_{song}_Drum.wav",
                    root / "annotations" / "class" / f"MusicDelta_{song}_class.txt",
                )
                for song in manifest().items
            }
    raise DataError(f"no MDB Drums in {home}; {DATA.layout}")


def strokes(annotation: Path) -> dict[str, np.ndarray]:
    """Seconds of the strokes of every class, ascending; the same stroke twice counts once.

    Raises
    ------
    UnusableError
        The file is absent, or a line is not a time and a class.
    """
    found: dict[str, set[float]] = {name: set() for name in CLASSES}
    for number, line in enumerate(content(annotation).decode("utf-8", "replace").splitlines(), 1):
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
    return {name: np.array(sorted(times)) for name, times in found.items()}
