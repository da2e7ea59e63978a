"""Splits of clips into segments, cut out of the frames when a batch is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmark.task import Batch, Split

from .clips import Clip
from .features import MELS, frame_of
from .model import ANSWERS, CONTEXT, SEEN


class Segments(Split):
    """Rows are segments of 25 frames, clip by clip; the last one of a clip ends in silence. Items are clips.

    Parameters
    ----------
    clips
        At least one.
    mean, deviation
        Of the training frames.
    """

    def __init__(self, clips: Sequence[Clip], mean: float, deviation: float) -> None:
        self.clips = tuple(clips)
        self.sources = np.array([clip.source for clip in clips], np.int64)
        self.rows = [-(-len(clip.features) // ANSWERS) for clip in clips]
        """Segments of every clip."""
        self._mean, self._deviation = mean, deviation
        silence = np.zeros((CONTEXT, MELS), np.float16)
        padded = []
        for clip, rows in zip(clips, self.rows, strict=True):
            rest = np.zeros((rows * ANSWERS - len(clip.features), MELS), np.float16)
            padded += [silence, clip.features, rest, silence]
        self._windows = torch.from_numpy(np.concatenate(padded)).unfold(0, SEEN, 1)
        starts = np.cumsum([0, *(rows * ANSWERS + 2 * CONTEXT for rows in self.rows[:-1])])
        self._first = torch.from_numpy(
            np.concatenate([start + ANSWERS * np.arange(rows) for start, rows in zip(starts, self.rows, strict=True)])
        )
        self.targets = torch.from_numpy(
            np.concatenate([frame_targets(clip, rows * ANSWERS) for clip, rows in zip(clips, self.rows, strict=True)])
        ).reshape(-1, ANSWERS)
        """(rows, 25) float32: 1 in the frame nearest to an onset."""

    def __len__(self) -> int:
        """Rows."""
        return len(self._first)

    def batch(self, rows: Tensor) -> Batch:
        """Segments (rows, 1, 64, 51) and the targets (rows, 25) of their inner frames."""
        frames = self._windows[self._first[rows]].float().unsqueeze(1)
        return Batch((frames - self._mean) / self._deviation, self.targets[rows])

    def by_clip(self, outputs: Tensor) -> list[Tensor]:
        """Answers (rows, 25) as one sequence (frames,) for every clip, without the silence at its end."""
        parts = outputs.split(self.rows)
        return [part.flatten()[: len(clip.features)] for part, clip in zip(parts, self.clips, strict=True)]


def frame_targets(clip: Clip, frames: int) -> np.ndarray:
    """(frames,) float32: 1 in the frame nearest to an onset."""
    targets = np.zeros(frames, np.float32)
    at = frame_of(clip.onsets)
    targets[at[(at >= 0) & (at < len(clip.features))]] = 1
    return targets


def statistics(clips: Sequence[Clip]) -> tuple[float, float]:
    """Mean and standard deviation of features, over clips, bands and frames."""
    total = squares = 0.0
    count = 0
    for clip in clips:
        values = clip.features.astype(np.float64)
        total, squares, count = total + values.sum(), squares + np.square(values).sum(), count + values.size
    mean = total / count
    return float(mean), float(np.sqrt(max(squares / count - mean**2, 1e-12)))
