"""What differs between the data sets of the task: what a net is given of a note, and which net that is."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from benchmark.data.tones import Tones
from benchmark.task import Batch, Profile, Training

from .notes import Notes

REWIND = 0.3
"""Of the steps: a round costs less than dense, which needs them more."""


class Way(ABC):
    """From notes to a net."""

    @abstractmethod
    def split(self, held: Tones, training: Notes | None) -> Notes:
        """Notes as the net is given them, scaled as those of training (None: they are those)."""

    @abstractmethod
    def model(self, profile: Profile) -> nn.Module:
        """A fresh net."""

    @abstractmethod
    def training(self, profile: Profile) -> Training:
        """How it is trained."""

    @abstractmethod
    def varied(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Half of each note, faster or slower, softer or louder."""

    @abstractmethod
    def example(self, samples: int) -> Tensor:
        """One input of batch size 1."""
