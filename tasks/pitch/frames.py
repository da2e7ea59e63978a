"""Splits of clips into frames, cut out of the audio when a batch is asked for, and how training varies them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmark.task import Batch, Split

from .model import FRAME
from .recordings import HOP, Clips

DETUNED = 50.0
"""Cents that training moves a frame by, at most."""
MARGIN = 20
"""Samples on each side of a frame that this takes: 2^(50/1200) of half a frame is 15 more."""
WIDE = FRAME + 2 * MARGIN
QUIET = 1e-4
"""Standard deviation (1: full scale) under which a frame is not made louder: three steps of int16."""


@dataclass(frozen=True)
class WideBatch(Batch):
    """A batch whose inputs are the middle of wider frames, so that augmentation can read them faster or slower."""

    wide: Tensor
    """(rows, WIDE), 1: full scale."""


class Frames(Split):
    """Rows are frames of clips, `stride` hops of 10 ms apart, but for those not asked for; items are clips.

    Parameters
    ----------
    clips
        Of one fold or more, joined.
    stride
        1: every frame.
    """

    def __init__(self, clips: Sequence[Clips], stride: int) -> None:
        self.sources = np.concatenate([c.sources for c in clips])
        lengths = np.concatenate([c.lengths for c in clips])
        hertz = np.concatenate([c.hertz for c in clips])
        first = np.cumsum(np.r_[0, lengths])
        self.frames = [
            np.array([f for f in range(stride // 2, length, stride) if not np.isnan(hertz[start + f])], np.int64)
            for start, length in zip(first, lengths, strict=False)
        ]
        """Of every clip, the numbers of its frames that are rows."""
        before = WIDE // 2
        self._samples = np.cumsum(np.r_[0, lengths * HOP + 2 * before])
        self._audio = np.zeros(self._samples[-1], np.int16)
        pieces = (audio for c in clips for audio in np.split(c.audio, np.cumsum(c.lengths)[:-1] * HOP))
        for start, piece in zip(self._samples, pieces, strict=False):
            self._audio[start + before : start + before + len(piece)] = piece
        self._starts = np.concatenate([s + f * HOP for s, f in zip(self._samples, self.frames, strict=False)])
        self.hertz = hertz[np.concatenate([s + f for s, f in zip(first, self.frames, strict=False)])]
        """(rows,) float32, 0: no pitch."""
        self.items = np.repeat(np.arange(len(lengths)), [len(f) for f in self.frames])
        """(rows,) the clip of every row."""

    def audio(self, item: int) -> np.ndarray:
        """(samples,) int16 of a clip."""
        start, end = self._samples[item : item + 2]
        return self._audio[start + WIDE // 2 : end - WIDE // 2]

    def __len__(self) -> int:
        """Rows."""
        return len(self._starts)

    def batch(self, rows: Tensor) -> WideBatch:
        """Normalised frames (rows, 1, 1024) and the frequency in their middle (rows,), Hz, 0: no pitch."""
        chosen = rows.numpy()
        wide = torch.from_numpy(self._audio[self._starts[chosen][:, None] + np.arange(WIDE)].astype(np.float32) / 32768)
        return WideBatch(normalised(wide[:, MARGIN:-MARGIN]), torch.from_numpy(self.hertz[chosen]), wide)


def normalised(frames: Tensor) -> Tensor:
    """(rows, samples) -> (rows, 1, samples) of mean 0 and deviation 1; silence stays silence."""
    centred = frames - frames.mean(1, keepdim=True)
    return (centred / centred.std(1, keepdim=True).clamp_min(QUIET))[:, None]


def vary(batch: Batch, generator: torch.Generator) -> Batch:
    """Every row detuned by up to 50 cents together with its target; a plain batch, without a margin, stays as it is.

    Nothing else is varied: gain is normalised away, and rendered clips have rooms, colours and noise of their own.
    """
    if not isinstance(batch, WideBatch):
        return batch
    cents = DETUNED * (2 * torch.rand((len(batch.targets), 1), generator=generator) - 1)
    return Batch(normalised(detuned(batch.wide, cents)), batch.targets * torch.exp2(cents[:, 0] / 1200))


def detuned(wide: Tensor, cents: Tensor) -> Tensor:
    """Frames (rows, FRAME) out of wider ones (rows, WIDE), so much faster that they are `cents` (rows, 1) higher.

    Interpolation is linear.
    """
    away = torch.arange(FRAME) - FRAME // 2
    place = MARGIN + FRAME // 2 + away * torch.exp2(cents / 1200)
    left = place.floor()
    whole = left.long()
    low, high = wide.gather(1, whole), wide.gather(1, whole + 1)
    return low + (high - low) * (place - left)
