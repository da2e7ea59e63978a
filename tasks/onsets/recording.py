"""One recording of a data set: where its sound and its onsets are, and how it becomes a clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.data.clips import Clip
from benchmark.data.excerpts import excerpt
from benchmark.data.recordings import UnusableError, annotated
from benchmark.data.splits import Side

from .features import MEL
from .merging import merged


@dataclass(frozen=True)
class Listed:
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


def read(listed: Listed, number: int, longest: float) -> tuple[Clip, str]:
    """At most `longest` seconds of a recording as a clip of source `number`, and the sha256 of what was heard.

    Raises
    ------
    UnusableError
        It is on no side, a file is absent or cannot be read, the sound is silent or the annotation has no onset in it.
    """
    if listed.side is None:
        raise UnusableError("the data set does not say on which side it is")
    heard = excerpt(listed.audio(), length=longest)
    times = _onsets(listed, heard.seconds)
    return Clip(heard.frames(MEL), (times,), number), heard.digest


def _onsets(listed: Listed, seconds: float) -> np.ndarray:
    times = annotated(lambda: merged(listed.onsets()))
    if not np.isfinite(times).all() or (times < 0).any():
        raise UnusableError("its annotation has a time that is negative or not a number")
    times = times[times < seconds]
    if not len(times):
        raise UnusableError("its annotation has no onset")
    return times
