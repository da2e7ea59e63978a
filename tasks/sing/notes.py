"""Notes as a split, and how training varies them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmark.data.tones import Tones
from benchmark.task import Batch, Split

from .layers import HOP

SPEED = 3.0
"""Semitones, either way, by which training plays a note faster or slower."""
LOUDEST, QUIETEST = -1.0, -20.0
"""dB below full scale, between which training puts the peak of what it hears."""


class Notes(Split):
    """Notes; a row is an item. What a net is given is a matter of the subclass."""

    def __init__(self, held: Tones) -> None:
        samples = held.audio.shape[1] // HOP * HOP
        self.audio = torch.from_numpy(np.asarray(held.audio[:, :samples], np.float32) / 32768)
        self.sources = held.sources

    def __len__(self) -> int:
        """Notes."""
        return len(self.audio)

    def batch(self, rows: Tensor) -> Batch:
        """(rows, samples) twice: the net is to give what it hears."""
        return Batch(self.audio[rows], self.audio[rows])


class Excerpt(NamedTuple):
    """Half of every note, played faster or slower."""

    audio: Tensor
    """(rows, samples)."""
    speed: Tensor
    """(rows, 1): 2 is an octave up."""
    first: Tensor
    """(rows, 1): the sample of the note, at its own speed, where it begins."""


def excerpt(audio: Tensor, generator: torch.Generator) -> Excerpt:
    """Half of the hops of notes, from a random place on, at a random speed."""
    rows, whole = audio.shape
    count = max(1, whole // HOP // 2) * HOP
    speed = torch.exp2((torch.rand(rows, 1, generator=generator) * 2 - 1) * SPEED / 12)
    first = torch.rand(rows, 1, generator=generator) * (whole - 2 - count * speed).clamp_min(0)
    place = first + torch.arange(count) * speed
    before = place.floor()
    after = place - before
    index = before.long().clamp_max(whole - 2)
    return Excerpt(audio.gather(1, index) * (1 - after) + audio.gather(1, index + 1) * after, speed, first)


def level(peak: Tensor, generator: torch.Generator) -> Tensor:
    """(rows, 1): gains that bring peaks (rows, 1) to random levels."""
    decibels = QUIETEST + (LOUDEST - QUIETEST) * torch.rand(peak.shape, generator=generator)
    gains: Tensor = 10 ** (decibels / 20) / peak.clamp_min(1e-4)
    return gains
