"""Recordings as clips, side by side: which can be used, and whether they are enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.data.clips import Clip
from benchmark.data.mirsets import how_to_get
from benchmark.data.recordings import same_bytes
from benchmark.data.splits import SIDES, Side
from benchmark.errors import DataError
from benchmark.task import DataSet

PURPOSES: Mapping[Side, str] = {"train": "train", "validation": "validate", "test": "test"}


@dataclass(frozen=True)
class Recording:
    """One that can be used."""

    name: str
    source: str
    """What the clip's number of a source stands for: a song, a player, a composition."""
    clip: Clip
    digest: str
    """sha256 of what is heard."""


@dataclass(frozen=True)
class Sides:
    """What of a data set trains, validates and tests."""

    used: Mapping[Side, Sequence[Recording]]
    missing: tuple[str, ...]
    """What the data set should hold and cannot be used, each with its reason."""

    def clips(self) -> dict[Side, list[Clip]]:
        """Of every side."""
        return {side: [one.clip for one in here] for side, here in self.used.items()}

    def about(self) -> dict[Side, dict[str, object]]:
        """For the manifest, what is on every side."""
        return {
            side: {
                "recordings": [one.name for one in here],
                "source names": sorted({one.source for one in here}),
                "audio": [one.digest for one in here],
            }
            for side, here in self.used.items()
        }


def checked(
    used: Mapping[Side, Sequence[Recording]], missing: Sequence[str], data: DataSet, kinds: Sequence[str]
) -> Sides:
    """What is left without recordings that are there under two names; enough to learn from and to measure.

    Parameters
    ----------
    used
        The recordings of every side.
    missing
        What cannot be used, each with its reason.
    data
        What they are of.
    kinds
        Names of the kinds of events, in the order of a clip's.

    Raises
    ------
    DataError
        A side has no recording, or those that train lack a kind of event.
    """
    twice = same_bytes({one.name: one.digest for here in used.values() for one in here})
    missing = (*missing, *(f"{name}: the same recording as {other}" for name, other in twice.items()))
    left = {side: [one for one in used[side] if one.name not in twice] for side in SIDES}
    for side, here in left.items():
        if not here:
            first = f" ({missing[0]})" if missing else ""
            raise DataError(
                f"no recording of {data.name} to {PURPOSES[side]} on: {sum(map(len, left.values()))} usable,"
                f" {len(missing)} missing{first}; {how_to_get(data)}"
            )
    for kind, name in enumerate(kinds):
        if not any(len(one.clip.events[kind]) for one in left["train"]):
            raise DataError(f"the recordings of {data.name} to train on have no {name}; {how_to_get(data)}")
    return Sides(left, missing)
