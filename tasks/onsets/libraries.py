"""Recorded data sets with onsets: MDB Drums, and GuitarSet, MAESTRO and the four-way tabla set, which mirdata reads.

Who is on which side never changes. GuitarSet has no official split; ours stands in `splits/` and keeps both players and
lead sheets apart. The others have one; of the tabla set's training recordings, those of two players validate. Of MDB
Drums the strokes of all classes are taken; those within 30 ms, as of a kick and a hat on one beat, are one onset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data import mdb_drums, mirsets, splits
from benchmark.data.mdb_drums import Song
from benchmark.data.mirsets import MirSet
from benchmark.data.splits import Manifest
from benchmark.task import DataSet, Mirdata

from .recording import Listed

GUITARSET = DataSet(
    "guitarset",
    "GuitarSet: 360 excerpts by six guitarists, onsets of all strings (Xi et al., ISMIR 2018)",
    "MIT",
    needs_home=True,
    mirdata=Mirdata("guitarset", remotes=("annotations", "audio_mic"), files=("audio_mic", "jams")),
    layout="or from zenodo.org/records/3371780 unpack annotation.zip as DIR/annotation/*.jams and audio_mono-mic.zip"
    " as DIR/audio_mono-mic/*.wav",
)
MAESTRO = DataSet(
    "maestro",
    "MAESTRO 2: the first 30 s of 1,282 piano performances (Hawthorne et al., ICLR 2019)",
    "CC BY-NC-SA 4.0",
    needs_home=True,
    mirdata=Mirdata("maestro", remotes=("all",), files=("audio", "midi")),
    layout="or from magenta.tensorflow.org/datasets/maestro unpack maestro-v2.0.0.zip into DIR",
)
TABLA = DataSet(
    "four_way_tabla",
    "Four-way tabla: 236 solos, onsets of all strokes (Rohit et al., ISMIR 2021)",
    "CC BY 4.0",
    needs_home=True,
    mirdata=Mirdata("four_way_tabla"),
    layout="or from zenodo.org/records/7110248 unpack 4way-tabla-ismir21-dataset.zip into DIR",
)
SPLIT = "889be97c3609a55dda2c049cc43f12bbbe3a65397134ba34de18150df19f9b45"
"""Of GuitarSet."""
TABLA_VALIDATION = ("KB", "SK")
"""Players, as the names of recordings begin."""


def manifest() -> Manifest:
    """The split of GuitarSet: three rotations test every player and every lead sheet once."""
    return splits.read(Path(__file__).with_name("splits") / "guitarset.json", SPLIT)


def mdb(home: Path | None, seed: int) -> dict[str, Listed]:
    """MDB Drums, all its strokes; a source is a song."""
    songs, members = mdb_drums.songs(home), mdb_drums.manifest().members(seed)
    return {
        item: Listed(side, item, partial(Path, songs[item].audio), partial(_drums, songs[item]))
        for side, items in members.items()
        for item in items
    }


def guitarset(home: Path | None, seed: int) -> dict[str, Listed]:
    """GuitarSet as the microphone heard it; a source is a lead sheet."""
    found, split = mirsets.opened(GUITARSET, home), manifest()
    members = split.members(seed)
    return {
        item: Listed(
            side,
            split.items[item]["source"],
            partial(found.path, item, "audio_mic"),
            partial(_plucked, found, item),
        )
        for side, items in members.items()
        for item in items
    }


def maestro(home: Path | None, seed: int) -> dict[str, Listed]:
    """MAESTRO; a source is a composition, all performances of which are on one side."""
    found = mirsets.opened(MAESTRO, home)
    with mirsets.table_of(MAESTRO):
        return {
            item: Listed(
                track.split if track.split in splits.SIDES else None,
                f"{track.canonical_composer}: {track.canonical_title}",
                partial(found.path, item, "audio"),
                partial(_struck, found, item),
            )
            for item, track in found.tracks().items()
        }


def four_way_tabla(home: Path | None, seed: int) -> dict[str, Listed]:
    """The four-way tabla set; a source is a player, and of the test recordings the recording itself."""
    found = mirsets.opened(TABLA, home)
    listed = {}
    for item, track in found.tracks().items():
        player = item.split("_")[0]
        side: splits.Side = "test" if not track.train else "validation" if player in TABLA_VALIDATION else "train"
        source = player if track.train else item
        listed[item] = Listed(side, source, partial(found.path, item, "audio"), partial(_strokes, found, item))
    return listed


@dataclass(frozen=True)
class RecordedSet:
    """A data set, how its recordings are listed for a seed, and how many seconds are taken of each."""

    data: DataSet
    recordings: Callable[[Path | None, int], dict[str, Listed]]
    longest: float


SETS: Mapping[str, RecordedSet] = {
    one.data.name: one
    for one in (
        RecordedSet(mdb_drums.DATA, mdb, 240.0),
        RecordedSet(GUITARSET, guitarset, 60.0),
        RecordedSet(MAESTRO, maestro, 30.0),
        RecordedSet(TABLA, four_way_tabla, 120.0),
    )
}


def _drums(song: Song) -> np.ndarray:
    """Strokes of all classes."""
    return np.concatenate(list(mdb_drums.strokes(song.annotation).values()))


def _plucked(found: MirSet, item: str) -> np.ndarray:
    """Beginnings of the notes of all strings."""
    found.path(item, "jams")
    strings: Any = found.dataset.track(item).notes
    played = [np.asarray(notes.intervals, np.float64)[:, 0] for notes in strings.values() if notes is not None]
    return np.concatenate([np.zeros(0), *played])


def _struck(found: MirSet, item: str) -> np.ndarray:
    """When keys of a piano go down."""
    found.path(item, "midi")
    midi: Any = found.dataset.track(item).midi
    return np.array([note.start for instrument in midi.instruments for note in instrument.notes], np.float64)


def _strokes(found: MirSet, item: str) -> np.ndarray:
    """All strokes of a tabla recording; a kind of stroke that it does not have has an empty file."""
    times = []
    for kind in ("onsets_b", "onsets_d", "onsets_rb", "onsets_rt"):
        found.path(item, kind)
        onsets: Any = getattr(found.dataset.track(item), kind)
        times.append(np.zeros(0) if onsets is None else np.asarray(onsets.times, np.float64))
    return np.concatenate(times)
