"""Notes as the net takes them."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.data.tones import Tones
from benchmark.task import Batch, Split

from . import features
from .model import MELS, Shape

IGNORED = -100
"""A target that is no part of the loss."""


class Notes(Split):
    """Notes after silence; a row is an item: all of a note, or `window` frames somewhere in it, always the same."""

    def __init__(self, tones: Tones, shape: Shape, window: int | None) -> None:
        self.shape, self.sources = shape, tones.sources
        self.audio = features.sound(tones, shape)
        self.levels = features.levels(self.audio, shape)
        self.mels = features.mels(self.audio, shape)
        self.window = window
        count = self.mels.shape[1] - (window or self.mels.shape[1]) + 1
        self.first = torch.randint(count, (len(self.audio),), generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        """Notes."""
        return len(self.audio)

    def batch(self, rows: Tensor) -> Batch:
        """(rows, frames, hop + 80): levels and mel bands; and levels (rows, samples), those of the lead ignored."""
        whole = torch.cat([self.levels[rows].float().unflatten(1, (-1, self.shape.hop)), self.mels[rows]], 2)
        return framed(whole if self.window is None else cut(whole, self.first[rows], self.window), self.shape.lead)


def cut(frames: Tensor, first: Tensor, count: int) -> Tensor:
    """`count` frames of each row from its first on: (rows, count, ...)."""
    return frames[torch.arange(len(frames)).unsqueeze(1), first.unsqueeze(1) + torch.arange(count)]


def framed(frames: Tensor, lead: int) -> Batch:
    """Frames and the levels in them; what a net cannot know the past of, the lead, is not asked for."""
    levels = frames[..., :-MELS]
    targets = levels.long()
    targets[:, :lead] = IGNORED
    return Batch(frames, targets.flatten(1))
