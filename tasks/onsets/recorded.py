"""The clips of a recorded data set, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.data import mdb_drums, recordings
from benchmark.data.cache import generator_digest
from benchmark.data.mirsets import how_to_get
from benchmark.data.splits import SIDES, Side
from benchmark.errors import DataError

from . import clips as made
from . import features, libraries, recording
from .clips import Clip
from .libraries import SETS
from .recording import Recording


@dataclass(frozen=True)
class Found:
    """What can be used of a data set.

    Attributes
    ----------
    clips : dict
        Of every side, clips by the name of the recording.
    recordings : dict
        By name.
    digests : dict
        sha256 of what was heard, by name.
    missing : tuple of str
        Recordings that cannot be used, each with its reason.
    """

    clips: dict[Side, dict[str, Clip]]
    recordings: dict[str, Recording]
    digests: dict[str, str]
    missing: tuple[str, ...]


def load(name: str, home: Path | None, seed: int) -> Found:
    """The clips of a data set.

    Raises
    ------
    DataError
        No folder was named, it is not the data set, or a side has no usable recording.
    """
    known = SETS[name]
    listed = known.recordings(home, seed)
    sources = sorted({one.source for one in listed.values()})
    read, missing = recordings.sort_out(
        listed, lambda item: recording.read(listed[item], sources.index(listed[item].source), known.longest)
    )
    twice = recordings.same_bytes({item: digest for item, (_, digest) in read.items()})
    missing += [f"{item}: the same sound as {other}" for item, other in twice.items()]
    usable = {item: one for item, one in read.items() if item not in twice}
    clips: dict[Side, dict[str, Clip]] = {
        side: {item: clip for item, (clip, _) in usable.items() if listed[item].side == side} for side in SIDES
    }
    for side in SIDES:
        if not clips[side]:
            first = f" ({missing[0]})" if missing else ""
            raise DataError(
                f"no recording of {name} in {home} to {_PURPOSE[side]} on: {len(usable)} of {len(listed)} are"
                f" usable{first}; {how_to_get(known.data)}"
            )
    digests = {item: digest for item, (_, digest) in usable.items()}
    return Found(clips, {item: listed[item] for item in usable}, digests, tuple(missing))


_PURPOSE: Mapping[Side, str] = {"train": "train", "validation": "validate", "test": "test"}


def generator() -> str:
    """Digest of the code that the clips come from."""
    return generator_digest(features, made, libraries, mdb_drums, recording, Path(__file__))
