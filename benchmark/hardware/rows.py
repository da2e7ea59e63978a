"""Rows of a split as inputs of single calls."""

from __future__ import annotations

import numpy as np
import torch

from benchmark.hardware.exporting import Arrays
from benchmark.task import Split


def spread(length: int, count: int) -> np.ndarray:
    """So many places of that many, the first and the last among them; all where there are fewer."""
    return np.unique(np.linspace(0, length - 1, count).round().astype(np.int64))


def inputs(split: Split, rows: np.ndarray) -> list[Arrays]:
    """What a model of batch size 1 is called with, for every one of the rows."""
    found = split.batch(torch.from_numpy(rows)).inputs
    return [(row[None].numpy(),) for row in found]
