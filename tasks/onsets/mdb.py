"""MDB Drums as it lies in a folder, all its strokes as onsets.

Southall, Wu, Lerch and Hockman, "MDB Drums: an annotated subset of MedleyDB for automatic drum transcription", ISMIR
2017 late-breaking (github.com/CarlSouthall/MDBDrums). The folder is the published one, `DIR/MDB Drums/audio/drum_only`
and `DIR/MDB Drums/annotations/class`, or `MDB Drums` itself. An annotation is a line a stroke: seconds, tab, class. The
strokes of all six classes are taken together; those within 30 ms, as of a kick and a hat on one beat, are one onset.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from benchmark.data import splits
from benchmark.data.recordings import UnusableError, content
from benchmark.data.splits import Manifest
from benchmark.errors import DataError
from benchmark.task import DataSet

from .recording import Recording

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


def manifest() -> Manifest:
    """Who is on which side: even seeds test on the test half of MIREX 2017, odd ones on the other."""
    return splits.read(Path(__file__).with_name("splits") / "mdb_drums.json", SPLIT)


def recordings(home: Path | None, seed: int) -> dict[str, Recording]:
    """All 23 songs, whether their files are there or not.

    Raises
    ------
    DataError
        No folder was named, or it is not the data set.
    """
    if home is None:
        raise DataError(f"the data set {DATA.name} needs recordings; {DATA.layout}")
    for root in (home / "MDB Drums", home):
        if (root / "annotations" / "class").is_dir():
            members = manifest().members(seed)
            return {song: _recording(root, song, side) for side, songs in members.items() for song in songs}
    raise DataError(f"no MDB Drums in {home}; {DATA.layout}")


def strokes(path: Path) -> np.ndarray:
    """Seconds of all strokes of an annotation.

    Raises
    ------
    UnusableError
        The file is absent, or a line is not a time and one of the six classes.
    """
    times = []
    for number, line in enumerate(content(path).decode("utf-8", "replace").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            times.append(float(words[0]))
            known = words[1] in CLASSES
        except (ValueError, IndexError):
            known = False
        if not known:
            raise UnusableError(f"annotation line {number} is not `seconds class`: {line.strip()[:40]!r}")
    return np.array(times)


def _recording(root: Path, song: str, side: splits.Side) -> Recording:
    name = f"MusicDelta_{song}"
    annotation = root / "annotations" / "class" / f"{name}_class.txt"
    return Recording(side, song, root / "audio" / "drum_only" / f"{name}_Drum.wav", partial(strokes, annotation))
