"""F1 of strokes within a tolerance, drum by drum, with counts pooled over clips.

A guess is right when it lies within the tolerance of a true stroke of its drum; true strokes and guesses are matched
one to one, as many as can be, by `mir_eval` (Raffel et al., "mir_eval: a transparent implementation of common MIR
metrics", ISMIR 2014). The tolerance of 50 ms is that of MIREX; 20 ms is asked of newer work. An item is one drum in
one clip.

Policy. A drum that a clip does not have and that is not guessed adds nothing: it is neither right nor wrong. A guess of
a drum that the clip does not have is wrong, and a drum that is never guessed misses all its strokes; both weigh as many
strokes as there are. A drum that the whole split neither has nor guesses is left out of the mean over drums. So no clip
scores zero for being silent where it should be, as mean F1 over clips would have it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.errors import BenchError

Strokes = Sequence[np.ndarray]
"""Seconds of the strokes of each drum."""


def score_items(truth: Sequence[Strokes], guess: Sequence[Strokes], tolerance: float) -> dict[str, np.ndarray]:
    """Counts of every item, clip by clip and drum by drum.

    Parameters
    ----------
    truth, guess
        For every clip, strokes of every drum, ascending.
    tolerance
        Seconds.

    Returns
    -------
    dict
        `label`, `hits`, `truths`, `guesses`, each (clips x drums,) integers.
    """
    pairs = [
        (label, there, heard)
        for in_truth, in_guess in zip(truth, guess, strict=True)
        for label, (there, heard) in enumerate(zip(in_truth, in_guess, strict=True))
    ]
    return {
        "label": np.array([label for label, _, _ in pairs], np.uint8),
        "hits": np.array([matched(there, heard, tolerance) for _, there, heard in pairs], np.int32),
        "truths": np.array([len(there) for _, there, _ in pairs], np.int32),
        "guesses": np.array([len(heard) for _, _, heard in pairs], np.int32),
    }


def matched(truth: np.ndarray, guess: np.ndarray, tolerance: float) -> int:
    """How many strokes can be matched one to one within the tolerance.

    Raises
    ------
    BenchError
        Times are not finite, are before the recording, or are not in order.
    """
    import mir_eval

    for name, times in (("true", truth), ("guessed", guess)):
        if not (np.isfinite(times).all() and (times >= 0).all() and (np.diff(times) >= 0).all()):
            raise BenchError(f"{name} strokes must be finite, not negative and in order of time")
    if not len(truth) or not len(guess):
        return 0
    return len(mir_eval.util.match_events(truth, guess, tolerance))
