"""How a recording becomes a clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark.data.clips import Clip
from benchmark.data.excerpts import excerpt

from .features import MEL


def read(
    audio: Path, strokes: Sequence[np.ndarray], source: int, start: float = 0.0, length: float | None = None
) -> tuple[Clip, str]:
    """A recording from `start` on, so many seconds of it (None: to its end), with its strokes in between.

    Returns
    -------
    Clip
        Of that source.
    str
        sha256 of what is heard.

    Raises
    ------
    UnusableError
        The audio cannot be read, or is silent there.
    """
    heard = excerpt(audio, start, length)
    frames = heard.frames(MEL)
    end = start + len(frames) * MEL.hop_seconds
    inside = tuple(times[(times >= start) & (times < end)] - start for times in strokes)
    return Clip(frames, inside, source), heard.digest
