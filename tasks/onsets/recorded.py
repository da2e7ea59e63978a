"""The clips of a recorded data set, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmark.data import excerpts, logmel, mdb_drums, recordings
from benchmark.data.cache import generator_digest
from benchmark.data.sides import Recording, Sides, checked
from benchmark.data.splits import SIDES

from . import features, libraries, merging, recording
from .libraries import SETS
from .recording import Listed
from .rows import LAYOUT


def load(name: str, listed: Mapping[str, Listed]) -> Sides:
    """The recordings of a data set that can be used.

    Raises
    ------
    DataError
        A side has no usable recording.
    """
    known = SETS[name]
    sources = sorted({one.source for one in listed.values()})

    def read(item: str) -> Recording:
        source = listed[item].source
        return Recording(item, source, *recording.read(listed[item], sources.index(source), known.longest))

    usable, missing = recordings.sort_out(listed, read)
    used = {side: [one for item, one in usable.items() if listed[item].side == side] for side in SIDES}
    return checked(used, missing, known.data, LAYOUT.kinds)


def generator() -> str:
    """Digest of the code that the clips come from."""
    return generator_digest(excerpts, logmel, features, merging, libraries, mdb_drums, recording, Path(__file__))
