"""Splits of clips: rows are patches of one second, items are clips, and a clip has one label and one source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from benchmark.task import Batch, Split

Side = Literal["train", "validation", "test"]
SIDES: tuple[Side, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Clips(Split):
    """One side of a split."""

    features: np.ndarray
    """(patches, 64, 50) float16, of all sides."""
    index: np.ndarray
    """(rows,) int64: which of them are on this side."""
    labels: np.ndarray
    """(items,) int64 class numbers."""
    sources: np.ndarray
    """(items,) int64."""
    clip: np.ndarray
    """(rows,) int64: the item that a row is cut from, rising from 0."""

    def __len__(self) -> int:
        return len(self.index)

    def batch(self, rows: Tensor) -> Batch:
        """Inputs (rows, 1, 64, 50) float32, targets (rows,) int64."""
        chosen = rows.numpy()
        inputs = torch.from_numpy(self.features[self.index[chosen]].astype(np.float32))
        return Batch(inputs[:, None], torch.from_numpy(self.labels[self.clip[chosen]]))

    def by_clip(self, outputs: Tensor) -> Tensor:
        """Outputs (rows, classes) -> (items, classes): the mean over the rows of a clip."""
        clip = torch.from_numpy(self.clip)
        sums = torch.zeros((len(self.labels), outputs.shape[1]), dtype=outputs.dtype)
        sums.index_add_(0, clip, outputs.detach().cpu())
        return sums / torch.bincount(clip, minlength=len(self.labels))[:, None]


def side_of(
    features: np.ndarray, patches: Sequence[Sequence[int]], labels: Sequence[int], sources: Sequence[int]
) -> Clips:
    """Clips, each with the numbers of its patches, its label and its source."""
    lengths = [len(of_clip) for of_clip in patches]
    return Clips(
        features,
        np.array([patch for of_clip in patches for patch in of_clip], np.int64),
        np.array(labels, np.int64),
        np.array(sources, np.int64),
        np.repeat(np.arange(len(patches)), lengths),
    )


def counts(part: Clips, classes: Sequence[str]) -> dict[str, object]:
    """How many clips of how many sources a side has, in all and by class; JSON-ready."""
    clips = Counter(part.labels.tolist())
    sources = Counter(label for label, _ in set(zip(part.labels.tolist(), part.sources.tolist(), strict=True)))
    return {
        "items": len(part.labels),
        "rows": len(part),
        "sources": len(np.unique(part.sources)),
        "items_by_class": {name: clips[number] for number, name in enumerate(classes)},
        "sources_by_class": {name: sources[number] for number, name in enumerate(classes)},
    }


def content(part: Clips, digests: Mapping[int, str]) -> list[list[object]]:
    """What a side holds, for a digest: of every clip its audio's sha256, by its first patch, its label and source."""
    first = np.flatnonzero(np.diff(part.clip, prepend=-1))
    return [
        [digests[int(patch)], int(label), int(source)]
        for patch, label, source in zip(part.index[first], part.labels, part.sources, strict=True)
    ]
