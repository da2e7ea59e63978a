"""What the recorded data sets share: reading a file, and saying why it cannot be used."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.errors import DataError

from . import clips, features
from .clips import Clip
from .sounds import DRUM_NAMES


class UnusableError(Exception):
    """A recording cannot be used; the text says why."""


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


def checked(sides: Sides, name: str, where: str) -> Sides:
    """What is left when a recording under two names is used once, first where it tests; enough to learn from.

    Raises
    ------
    DataError
        A side has no recording, or those that train lack a drum.
    """
    seen: dict[str, str] = {}
    used: dict[str, list[Recording]] = {}
    copies: list[str] = []
    for side in ("test", "validation", "train"):
        used[side] = []
        for recording in sides.used[side]:
            if recording.digest in seen:
                copies.append(f"{recording.name}: the same recording as {seen[recording.digest]}")
            else:
                seen[recording.digest] = recording.name
                used[side].append(recording)
    left = Sides({side: used[side] for side in sides.used}, (*sides.missing, *copies))
    for side, here in left.used.items():
        if not here:
            raise DataError(
                f"no recording of {name} to {side} on: {len(seen)} usable, {len(left.missing)} missing; {where}"
            )
    for drum, label in enumerate(DRUM_NAMES):
        if not any(len(recording.clip.strokes[drum]) for recording in used["train"]):
            raise DataError(f"the recordings of {name} to train on have no stroke of {label}; {where}")
    return left


def generator(*code: Path) -> str:
    """Digest of the code that the frames and strokes of a data set come from."""
    return generator_digest(features, clips, Path(__file__), *code)


def content(path: Path) -> bytes:
    """A file whole.

    Raises
    ------
    UnusableError
        It is absent, empty or cannot be opened.
    """
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        raise UnusableError(f"no file {path.name}") from None
    except OSError as error:
        raise UnusableError(f"{path.name} cannot be opened ({error.strerror})") from None
    if not found:
        raise UnusableError(f"{path.name} is empty (0 bytes)")
    return found


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
    sha256 = hashlib.sha256(content(audio))
    spec = {"file": sha256.hexdigest(), "code": generator(), "start": start, "seconds": seconds}
    frames = cached_arrays(
        "drums-recorded", spec, lambda: {"features": features.log_mel(_read(audio, start, seconds))}
    )["features"]
    length = len(frames) * features.HOP_SECONDS
    inside = tuple(times[(times >= start) & (times < start + length)] - start for times in strokes)
    return Recording(name, Clip(frames, inside, source), hashlib.sha256(sha256.digest() + annotation).hexdigest())


def _read(path: Path, start: float, seconds: float | None) -> np.ndarray:
    """(samples,) float32 at 44.1 kHz."""
    import soundfile
    import soxr

    try:
        rate = soundfile.info(path).samplerate
        wanted = -1 if seconds is None else round(seconds * rate)
        audio, _ = soundfile.read(path, wanted, round(start * rate), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, ValueError):
        raise UnusableError(f"{path.name} is not readable as audio") from None
    mono = audio.mean(1)
    if not len(mono) or not np.abs(mono).max() > 0:
        raise UnusableError(f"{path.name} is silent")
    resampled: np.ndarray = mono if rate == features.RATE else soxr.resample(mono, rate, features.RATE)
    return resampled
