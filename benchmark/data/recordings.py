"""Recordings and annotations as they lie in a folder: read at a rate, digested, and named where they cannot be used.

What is wrong with a file is an :class:`UnusableError`, whose text names it: a loader lists it in its manifest and goes
on with the others (:func:`sort_out`).
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmark.data.notes import resample

Key = TypeVar("Key")
Value = TypeVar("Value")


class UnusableError(Exception):
    """A file, or the item that it belongs to, cannot be used; the text names it and says why."""


def content(path: Path) -> bytes:
    """The bytes of a file, such as an annotation.

    Raises
    ------
    UnusableError
        It is absent, empty, or cannot be opened.
    """
    try:
        found = path.read_bytes()
    except OSError as error:
        raise _unopened(path, error) from None
    if not found:
        raise UnusableError(f"{path.name} is empty (0 bytes)")
    return found


def digest(path: Path) -> str:
    """Sha256 of a file's bytes, read piece by piece.

    Raises
    ------
    UnusableError
        It is absent, empty, or cannot be opened.
    """
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise UnusableError(f"{path.name} is empty (0 bytes)")
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unopened(path, error) from None


def seconds(path: Path) -> float:
    """How long a recording is, by its header.

    Raises
    ------
    UnusableError
        It is absent, empty, or not audio.
    """
    import soundfile

    try:
        return float(soundfile.info(path).duration)
    except soundfile.LibsndfileError:
        raise _unread(path) from None


def mono(path: Path, rate: int, start: float = 0.0, length: float | None = None) -> np.ndarray:
    """The mean of a recording's channels at `rate`.

    Parameters
    ----------
    path
        WAV, FLAC, Ogg or MP3 (what libsndfile reads).
    rate
        Samples a second of the result; by :func:`benchmark.data.notes.resample`.
    start, length
        Seconds: which part of it; None: to its end. A part beyond the end is cut there.

    Returns
    -------
    np.ndarray
        (samples,) float32.

    Raises
    ------
    UnusableError
        It is absent, empty, not audio, silent, or holds values that are not numbers.
    """
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            own = file.samplerate
            file.seek(min(round(start * own), file.frames))
            frames = -1 if length is None else round(length * own)
            channels = file.read(frames, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        raise _unread(path) from None
    heard: np.ndarray = channels.mean(1)
    if not np.isfinite(heard).all():
        raise UnusableError(f"{path.name} holds values that are not numbers")
    if not len(heard) or not np.abs(heard).max() > 0:
        raise UnusableError(f"{path.name} is silent")
    return heard if own == rate else resample(heard, own, rate)


def annotated(read: Callable[[], Value]) -> Value:
    """What `read` makes of an item's annotation; whatever a library raises over a damaged file is the file's fault.

    Raises
    ------
    UnusableError
        It cannot be read: why.
    """
    try:
        return read()
    except (OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError, EOFError, csv.Error) as error:
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise UnusableError(f"its annotation cannot be read ({reason})") from None


def sort_out(names: Iterable[Key], load: Callable[[Key], Value]) -> tuple[dict[Key, Value], list[str]]:
    """What `load` gives for each name, and `name: reason` for those where it raises :class:`UnusableError`."""
    usable: dict[Key, Value] = {}
    missing: list[str] = []
    for name in names:
        try:
            usable[name] = load(name)
        except UnusableError as reason:
            missing.append(f"{name}: {reason}")
    return usable, missing


def same_bytes(digests: Mapping[Key, str]) -> dict[Key, Key]:
    """Items whose bytes are also those of another item, with that other one: which of the two is right is not known."""
    by_digest: dict[str, list[Key]] = {}
    for name, found in digests.items():
        by_digest.setdefault(found, []).append(name)
    return {
        name: next(other for other in names if other != name)
        for names in by_digest.values()
        if len(names) > 1
        for name in names
    }


def _unread(path: Path) -> UnusableError:
    """Why libsndfile did not read a file: its own reasons do not tell an absent file from a damaged one."""
    try:
        content(path)
    except UnusableError as reason:
        return reason
    return UnusableError(f"{path.name} is not readable as audio")


def _unopened(path: Path, error: OSError) -> UnusableError:
    if isinstance(error, FileNotFoundError):
        return UnusableError(f"no file {path.name}")
    return UnusableError(f"{path.name} cannot be opened ({error.strerror})")
