"""F1 of events within a tolerance, kind by kind, with counts pooled over clips.

A guess is right when it lies within the tolerance of a true event of its kind, the tolerance itself included; true
events and guesses are matched one to one, as many as can be, by `mir_eval` (Raffel et al., "mir_eval: a transparent
implementation of common MIR metrics", ISMIR 2014). So of two guesses of one event one is wrong. The tolerance of 50 ms
is that of MIREX. An item is one kind in one clip.

Policy. A kind that a clip does not have and that is not guessed adds nothing: it is neither right nor wrong, where
mir_eval gives it 0. A guess of a kind that the clip does not have is wrong, and a kind that is never guessed misses all
its events; both weigh as many events as there are. A kind that the whole split neither has nor guesses is left out of
the mean over kinds; where that is all of them, F1 is not a number. So no clip scores zero for being silent where it
should be, as mean F1 over clips would have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmark.errors import DataError

Events = Sequence[np.ndarray]
"""Seconds of the events of each kind."""


def score_items(truth: Sequence[Events], guess: Sequence[Events], tolerance: float) -> dict[str, np.ndarray]:
    """Counts of every item, clip by clip and kind by kind.

    Parameters
    ----------
    truth, guess
        For every clip, events of every kind, ascending.
    tolerance
        Seconds.

    Returns
    -------
    dict
        `label`, `hits`, `truths`, `guesses`, each (clips x kinds,) integers.

    Raises
    ------
    DataError
        A time is not a number, negative or before the one before it.
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
    """How many events can be matched one to one within the tolerance; see :func:`score_items`."""
    import mir_eval

    _require_times(truth, "true")
    _require_times(guess, "guessed")
    if not len(truth) or not len(guess):
        return 0
    return len(mir_eval.util.match_events(truth, guess, tolerance))


def precision_recall(items: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """Of the counts pooled over items; 0 where there is nothing to divide by, as in mir_eval."""
    hits, truths, guesses = (int(items[name].sum()) for name in ("hits", "truths", "guesses"))
    return hits / max(guesses, 1), hits / max(truths, 1)


def _require_times(times: np.ndarray, name: str) -> None:
    if not np.isfinite(times).all():
        raise DataError(f"{name} events have a time that is not a number: {times[~np.isfinite(times)][:3]}")
    if len(times) and (times.min() < 0 or (np.diff(times) < 0).any()):
        raise DataError(f"{name} events are negative or not in order: sort them, and start at 0 s")
