"""Rows of a split as inputs of single calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from benchmark.hardware.exporting import Arrays
from benchmark.task import Split


def spread(length: int, count: int) -> np.ndarray:
    """So many places of that many, the first and the last among them; all where there are fewer."""
    return np.unique(np.linspace(0, length - 1, count).round().astype(np.int64))


def inputs(split: Split, rows: np.ndarray, shape: Sequence[int] | None = None) -> list[Arrays]:
    """What a model of batch size 1 is called with, for every one of the rows.

    Parameters
    ----------
    shape
        Of one input, where a row may be longer: its beginning is taken.
    """
    found = split.batch(torch.from_numpy(rows)).inputs
    if shape is not None:
        found = found[(slice(None), *(slice(length) for length in shape[1:]))]
    return [(row[None].numpy(),) for row in found]
