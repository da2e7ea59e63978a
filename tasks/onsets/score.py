"""F1 of onsets within a tolerance, with counts pooled over clips.

A guess is right when it lies within the tolerance of a true onset, the tolerance itself included; true onsets and
guesses are matched one to one, as many as can be, by `mir_eval` (Raffel et al., "mir_eval: a transparent implementation
of common MIR metrics", ISMIR 2014). So of two guesses of one onset one is wrong. The tolerance of 50 ms is that of
MIREX; 25 ms is what newer work asks. An item is one clip.

Policy. A clip without onsets in which nothing is guessed adds nothing: it is neither right nor wrong, where mir_eval
gives it 0. A guess in a clip without onsets is wrong, and a clip in which nothing is guessed misses all its onsets;
both weigh as many onsets as there are. Where a whole split has neither, F1 is not a number. Precision is 0 where
nothing is guessed and recall is 0 where there is nothing to find, as in mir_eval. Times that are not numbers, negative
or out of order are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmark.errors import DataError

Times = Sequence[np.ndarray]
"""Seconds of the onsets of each clip."""


def score_items(truth: Times, guess: Times, tolerance: float) -> dict[str, np.ndarray]:
    """Counts of every clip.

    Parameters
    ----------
    truth, guess
        For every clip, onsets, ascending.
    tolerance
        Seconds.

    Returns
    -------
    dict
        `label` (all 0), `hits`, `truths`, `guesses`, each (clips,) integers.

    Raises
    ------
    DataError
        A time is not a number, negative or before the one before it.
    """
    pairs = list(zip(truth, guess, strict=True))
    return {
        "label": np.zeros(len(pairs), np.uint8),
        "hits": np.array([matched(there, heard, tolerance) for there, heard in pairs], np.int32),
        "truths": np.array([len(there) for there, _ in pairs], np.int32),
        "guesses": np.array([len(heard) for _, heard in pairs], np.int32),
    }


def matched(truth: np.ndarray, guess: np.ndarray, tolerance: float) -> int:
    """How many onsets can be matched one to one within the tolerance."""
    import mir_eval

    for name, times in (("true", truth), ("guessed", guess)):
        _require_times(times, name)
    if not len(truth) or not len(guess):
        return 0
    return len(mir_eval.util.match_events(truth, guess, tolerance))


def precision_recall(items: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """Of the pooled counts; 0 where there is nothing to divide by."""
    hits, truths, guesses = (int(items[name].sum()) for name in ("hits", "truths", "guesses"))
    return hits / max(guesses, 1), hits / max(truths, 1)


def _require_times(times: np.ndarray, name: str) -> None:
    if not np.isfinite(times).all():
        raise DataError(f"{name} onsets have a time that is not a number: {times[~np.isfinite(times)][:3]}")
    if len(times) and (times.min() < 0 or (np.diff(times) < 0).any()):
        raise DataError(f"{name} onsets are negative or not in order: sort them, and start at 0 s")
