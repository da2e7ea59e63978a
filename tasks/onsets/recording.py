"""One recording of a data set: where its sound and its onsets are, and how it becomes a clip."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.notes import resample
from benchmark.data.recordings import UnusableError, annotated, content
from benchmark.data.splits import Side

from . import features
from .clips import Clip, merged


@dataclass(frozen=True)
class Recording:
    """What a data set says of a recording, before anything is read.

    Attributes
    ----------
    side : Side or None
        None: the data set does not say, so the recording cannot be used.
    source : str
        Who or what the recording counts for: a song, a player, a composition.
    audio : callable
        Where its file is; raises :class:`UnusableError` where it is absent.
    onsets : callable
        Reads the annotation: seconds, in any order. What it raises is the recording's fault.
    """

    side: Side | None
    source: str
    audio: Callable[[], Path]
    onsets: Callable[[], np.ndarray]


def read(recording: Recording, number: int, longest: float) -> tuple[Clip, str]:
    """At most `longest` seconds of a recording as a clip of source `number`, and the sha256 of what was heard.

    Raises
    ------
    UnusableError
        It is on no side, a file is absent or cannot be read, the sound is silent or the annotation has no onset in it.
    """
    if recording.side is None:
        raise UnusableError("the data set does not say on which side it is")
    heard, rate = _excerpt(recording.audio(), longest)
    digest = hashlib.sha256(f"{rate} Hz {heard.shape}".encode() + heard.astype("<i2").tobytes()).hexdigest()
    times = _onsets(recording, len(heard) / rate)
    spec = {"heard": digest, "code": generator_digest(features, Path(__file__))}
    frames = cached_arrays("onsets-recorded", spec, lambda: {"features": _frames(heard, rate)})["features"]
    return Clip(frames, times, number), digest


def audio(recording: Recording, longest: float) -> np.ndarray:
    """What is heard of a recording: (samples,) float32 at the rate of the features."""
    return _mono(*_excerpt(recording.audio(), longest))


def _onsets(recording: Recording, seconds: float) -> np.ndarray:
    times = annotated(lambda: merged(recording.onsets()))
    if not np.isfinite(times).all() or (times < 0).any():
        raise UnusableError("its annotation has a time that is negative or not a number")
    times = times[times < seconds]
    if not len(times):
        raise UnusableError("its annotation has no onset")
    return times


def _excerpt(path: Path, longest: float) -> tuple[np.ndarray, int]:
    """(samples,) or (samples, channels) int16, as stored and no more of it than is heard, and samples a second."""
    import soundfile

    try:
        rate = int(soundfile.info(path).samplerate)
        heard, _ = soundfile.read(path, round(longest * rate), dtype="int16")
    except soundfile.LibsndfileError:
        content(path)
        raise UnusableError(f"{path.name} is not readable as audio") from None
    if not heard.any():
        raise UnusableError(f"{path.name} is silent")
    return heard, rate


def _mono(heard: np.ndarray, rate: int) -> np.ndarray:
    mono = (heard.reshape(len(heard), -1).mean(1) / 32768).astype(np.float32)
    return mono if rate == features.RATE else resample(mono, rate, features.RATE)


def _frames(heard: np.ndarray, rate: int) -> np.ndarray:
    return features.log_mel(_mono(heard, rate))
