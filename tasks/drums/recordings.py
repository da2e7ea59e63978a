"""What the recorded data sets share: a recording as a clip, and whether there are enough of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.mirsets import how_to_get
from benchmark.data.recordings import digest, mono, same_bytes
from benchmark.errors import DataError
from benchmark.task import DataSet

from . import clips, features
from .clips import Clip
from .sounds import DRUM_NAMES


@dataclass(frozen=True)
class Recording:
    """One that can be used."""

    name: str
    clip: Clip
    digest: str
    """sha256 of its audio and annotation."""


@dataclass(frozen=True)
class Sides:
    """What of a data set trains, validates and tests."""

    used: Mapping[str, Sequence[Recording]]
    missing: tuple[str, ...]
    """What the data set should hold and cannot be used, each with its reason."""


def checked(sides: Sides, data: DataSet) -> Sides:
    """What is left without recordings that are there under two names; enough to learn from.

    Raises
    ------
    DataError
        A side has no recording, or those that train lack a drum.
    """
    twice = same_bytes({one.name: one.digest for here in sides.used.values() for one in here})
    missing = (*sides.missing, *(f"{name}: the same recording as {other}" for name, other in twice.items()))
    used = {side: [one for one in here if one.name not in twice] for side, here in sides.used.items()}
    for side, here in used.items():
        if not here:
            raise DataError(
                f"no recording of {data.name} to {side} on: {sum(map(len, used.values()))} usable,"
                f" {len(missing)} missing; {how_to_get(data)}"
            )
    for drum, label in enumerate(DRUM_NAMES):
        if not any(len(recording.clip.strokes[drum]) for recording in used["train"]):
            raise DataError(f"the recordings of {data.name} to train on have no stroke of {label}; {how_to_get(data)}")
    return Sides(used, missing)


def generator(*code: ModuleType) -> str:
    """Digest of the code that the frames and strokes of a data set come from."""
    return generator_digest(features, clips, Path(__file__), *code)


def recording(
    name: str,
    source: int,
    strokes: Sequence[np.ndarray],
    audio: Path,
    annotation: bytes,
    start: float = 0.0,
    seconds: float | None = None,
) -> Recording:
    """A recording from `start` on, so many seconds of it (None: to its end), with its strokes in between.

    Raises
    ------
    UnusableError
        The audio cannot be read, or is silent there.
    """
    heard = digest(audio)
    spec = {"file": heard, "code": generator(), "start": start, "seconds": seconds}
    frames = cached_arrays(
        "drums-recorded", spec, lambda: {"features": features.log_mel(mono(audio, features.RATE, start, seconds))}
    )["features"]
    length = len(frames) * features.HOP_SECONDS
    inside = tuple(times[(times >= start) & (times < start + length)] - start for times in strokes)
    return Recording(name, Clip(frames, inside, source), hashlib.sha256(bytes.fromhex(heard) + annotation).hexdigest())
