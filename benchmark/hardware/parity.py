"""Whether what a target gives is what the reference gives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.errors import BenchError

FLOAT_TOLERANCE = 1e-4
"""Of the largest value of an output. Sums in another order differ by about 1e-6."""
LEVELS = 2
"""By how much integers may differ behind something that was rounded from next to a half, ..."""
ONE_IN = 50
"""... and one in how many of them."""


class ParityError(BenchError):
    """A target computes something else than the model."""


def error(given: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> float:
    """The largest difference of two calls' outputs, over the largest value of that output; infinite for NaN.

    Raises
    ------
    ValueError
        They are not alike in number or size.
    """
    worst = 0.0
    for one, other in zip(given, expected, strict=True):
        a, b = (np.asarray(x, np.float64).ravel() for x in (one, other))
        if a.size != b.size:
            raise ValueError(f"{a.size} values where {b.size} were expected")
        scale = max(float(np.abs(b).max(initial=0.0)), 1e-30)
        difference = float(np.abs(a - b).max(initial=0.0)) / scale
        worst = max(worst, difference if np.isfinite(difference) else np.inf)
    return worst


def require(given: Sequence[np.ndarray], expected: Sequence[np.ndarray], target: str, halves: bool = False) -> float:
    """Ask for equality: of integers exactly, of floats within :data:`FLOAT_TOLERANCE`; returns the largest error.

    Parameters
    ----------
    halves
        Integers may differ as they do when something before them was rounded from next to a half: by at most
        :data:`LEVELS`, and no more than one in :data:`ONE_IN` of them, or two.

    Raises
    ------
    ParityError
        They differ more: by how much, on what.
    """
    worst = 0.0
    for one, other in zip(given, expected, strict=True):
        found = error([one], [other])
        if np.issubdtype(other.dtype, np.integer) and found > 0:
            apart = np.abs(np.ravel(one).astype(np.int64) - np.ravel(other).astype(np.int64))
            count = int((apart > 0).sum())
            if not halves or apart.max() > LEVELS or count > max(2, other.size // ONE_IN):
                raise ParityError(
                    f"{target} gives other integers than the reference: {count} of {other.size} values, "
                    f"by up to {apart.max()}"
                )
        elif found > FLOAT_TOLERANCE:
            raise ParityError(
                f"{target} gives something else than the reference: off by {found:.2g} of the largest value, "
                f"at most {FLOAT_TOLERANCE:g} is rounding"
            )
        worst = max(worst, found)
    return worst
