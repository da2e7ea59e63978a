"""Whether two JSON values say the same, numbers to the six digits that records keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DIGITS = 1e-5
"""Relative: six digits, and items in single precision."""


def same(said: Any, wanted: Any) -> bool:
    """Equal in type and structure; floats to :data:`DIGITS`, whole numbers and all else exactly."""
    if isinstance(wanted, Mapping):
        return isinstance(said, Mapping) and set(said) == set(wanted) and all(same(said[k], wanted[k]) for k in wanted)
    if isinstance(wanted, list | tuple):
        listed = isinstance(said, list | tuple) and len(said) == len(wanted)
        return listed and all(map(same, said, wanted))
    if isinstance(wanted, bool) or isinstance(said, bool):
        return said is wanted
    if isinstance(wanted, float) and isinstance(said, int | float):
        return close(said, wanted)
    return type(said) is type(wanted) and bool(said == wanted)


def close(said: float, wanted: float, tolerance: float = DIGITS) -> bool:
    """Within a tolerance that is relative above 1. A NaN is close to nothing."""
    return abs(said - wanted) <= tolerance * max(1.0, abs(wanted))
