"""MDB Drums: kick, snare and hat of its songs; toms, cymbals and others have no label here."""

from __future__ import annotations

from pathlib import Path

from benchmark.data import mdb_drums
from benchmark.data.mdb_drums import Song
from benchmark.data.recordings import sort_out
from benchmark.data.sides import Recording, Sides, checked

from .recordings import read
from .sounds import DRUM_NAMES


def load(home: Path | None, seed: int) -> Sides:
    """Every song that can be used, on its side of :func:`benchmark.data.mdb_drums.manifest`.

    Raises
    ------
    DataError
        No folder was named, it is not the data set, or a side has too little.
    """
    usable, missing = scan(home)
    members = mdb_drums.manifest().members(seed)
    used = {side: [usable[song] for song in songs if song in usable] for side, songs in members.items()}
    return checked(used, missing, mdb_drums.DATA, DRUM_NAMES)


def scan(home: Path | None) -> tuple[dict[str, Recording], list[str]]:
    """The songs that can be used, by name, and those that cannot, each with its reason.

    Raises
    ------
    DataError
        No folder was named, or it is not the data set.
    """
    songs = mdb_drums.songs(home)
    return sort_out(songs, lambda name: _recording(name, songs[name]))


def _recording(name: str, song: Song) -> Recording:
    strokes = mdb_drums.strokes(song.annotation)
    source = mdb_drums.manifest().sources.index(name)
    return Recording(name, name, *read(song.audio, [strokes[drum] for drum in DRUM_NAMES], source))
