"""Which onsets are one."""

from __future__ import annotations

import numpy as np

TOGETHER = 0.03
"""Seconds: onsets as close as that are one to the ear."""


def merged(times: np.ndarray) -> np.ndarray:
    """Onsets that lie within 30 ms as one, at their mean.

    So it is done with the notes of a chord and the drums of one stroke in the field's evaluation: Boeck, Krebs and
    Schedl, "Evaluating the online capabilities of onset detection methods", ISMIR 2012. A group is what follows its
    first onset by at most 30 ms.

    Parameters
    ----------
    times
        (n,) seconds, in any order.
    """
    groups: list[list[float]] = []
    for time in np.sort(np.asarray(times, np.float64)).tolist():
        if groups and time - groups[-1][0] <= TOGETHER:
            groups[-1].append(time)
        else:
            groups.append([time])
    return np.array([sum(group) / len(group) for group in groups], np.float64)
