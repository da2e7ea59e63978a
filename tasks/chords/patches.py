"""Splits of clips into patches, cut out of the features when a batch is asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmark.task import Batch, Split

from .harmony import CODE_CLASSES
from .model import BINS
from .model import FRAMES as PATCH
from .piece import HOP_SECONDS
from .recordings import MARGIN, Clips
from .score import score_items


@dataclass(frozen=True)
class WideBatch(Batch):
    """A batch whose inputs are the middle of wider ones, so that augmentation can transpose by real bins."""

    wide: Tensor
    """(rows, 1, BINS + 2 MARGIN, 15)."""


class ChordSplit(Split):
    """Rows with a class each, and how answers to all of them are scored."""

    targets: Tensor
    """(rows,) classes; -1 for a chord outside of them."""
    seconds: float
    """That a row answers for."""

    @abstractmethod
    def score(self, guess: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
        """Part and whole (items,) of every score of :mod:`.score`, of classes (rows,)."""


class Patches(ChordSplit):
    """Rows are frames of clips, `stride` frames apart; items are clips.

    Parameters
    ----------
    clips
        Of one fold or more, joined.
    mean, deviation
        Of the training features.
    stride
        1: every frame.
    """

    def __init__(self, clips: Sequence[Clips], mean: float, deviation: float, stride: int = 1) -> None:
        features = np.concatenate([c.features for c in clips]).astype(np.float32)
        first = stride // 2
        self.sources = np.concatenate([c.sources for c in clips]).astype(np.int64)
        self.codes = np.concatenate([c.codes for c in clips])[:, first::stride].astype(np.int64)
        """(items, rows of an item): places in `harmony.LABELS`."""
        self.targets = torch.from_numpy(CODE_CLASSES[self.codes]).reshape(-1)
        self.seconds = stride * HOP_SECONDS
        self.features = (features - mean) / deviation
        """(items, BINS + 2 MARGIN, frames of a clip and of silence around it) float32."""
        self._windows = torch.from_numpy(self.features)[:, :, first:].unfold(2, PATCH, stride)

    def __len__(self) -> int:
        """Rows."""
        return self.codes.size

    def batch(self, rows: Tensor) -> WideBatch:
        """Patches (rows, 1, 105, 15) and the classes of their middle frames."""
        length = self.codes.shape[1]
        wide = self._windows[rows // length, :, rows % length].unsqueeze(1)
        return WideBatch(wide[:, :, MARGIN : MARGIN + BINS], self.targets[rows], wide)

    def score(self, guess: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
        """Part and whole of every score, a clip an item."""
        return score_items(self.codes, guess.reshape(self.codes.shape), self.seconds)


def usable(split: ChordSplit) -> list[int]:
    """Rows whose chord is one of the classes."""
    return torch.nonzero(split.targets >= 0).flatten().tolist()


def statistics(clips: Sequence[Clips]) -> tuple[float, float]:
    """Mean and standard deviation of features, over clips, bins and frames."""
    values = np.concatenate([c.features for c in clips]).astype(np.float64)
    return float(values.mean()), float(values.std())
