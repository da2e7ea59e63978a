"""Notes as the net takes them."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.data.tones import Tones
from benchmark.task import Batch, Split

from . import features
from .prediction import coefficients, predicted, told
from .shape import Shape

IGNORED = -100
"""A target that is no part of the loss."""
AMISS = 4.0
"""dB, of training notes. With more, generated notes are nearer in loudness, with more noise between their partials."""


class Notes(Split):
    """Notes after silence; a row is an item: all of a note, or `window` frames somewhere in it, always the same.

    Attributes
    ----------
    audio : Tensor
        (notes, samples) of the notes, without the silence.
    levels : Tensor
        (notes, 3, lead + samples) uint8: of the samples, their predictions and their excitations, as they are heard.
    asked : Tensor
        (notes, lead + samples) uint8: of the excitations of the notes as they are.
    mels : Tensor
        (notes, lead + frames, 80).
    """

    def __init__(self, tones: Tones, shape: Shape, window: int | None, amiss: float = 0.0) -> None:
        """`amiss`: what is heard, not what is asked for, is by up to so many dB too loud or too soft, :func:`gains`."""
        self.shape, self.sources = shape, tones.sources
        led = features.sound(tones, shape)
        self.audio = led[:, shape.lead * shape.hop :]
        self.mels = features.mels(led, shape)
        found, rms = coefficients(self.mels, shape)
        guess, gain = predicted(led, found, shape), gains(len(led), amiss)
        self.levels, self.asked = told(gain * led, gain * guess, rms), told(led, guess, rms)[:, 2]
        self.window = window
        count = self.mels.shape[1] - (window or self.mels.shape[1]) + 1
        self.first = torch.randint(count, (len(led),), generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        """Notes."""
        return len(self.audio)

    def batch(self, rows: Tensor) -> Batch:
        """(rows, frames, 3 hop + 80): levels and mel bands; and what is asked for, (rows, samples)."""
        heard, asked = (levels[rows].unflatten(-1, (-1, self.shape.hop)) for levels in (self.levels, self.asked))
        inputs, asked = torch.cat([heard.transpose(1, 2).flatten(2), self.mels[rows]], 2), asked.long()
        if self.window is not None:
            inputs, asked = (cut(x, self.first[rows], self.window) for x in (inputs, asked))
        return framed(inputs, asked, self.shape.lead)


def gains(count: int, amiss: float) -> Tensor:
    """Factors (count, 1) of -`amiss` to `amiss` dB, the same in every process.

    A net that hears notes as loud as they are learns to go on as loud as it hears, and what it makes by itself drifts
    away, or never begins. Else it learns that the mel frame says how loud a note is, and the sound says its phase.
    """
    drawn = torch.rand((count, 1), generator=torch.Generator().manual_seed(0))
    return 10 ** (amiss * (2 * drawn - 1) / 20)


def cut(frames: Tensor, first: Tensor, count: int) -> Tensor:
    """`count` frames of each row from its first on: (rows, count, ...)."""
    return frames[torch.arange(len(frames)).unsqueeze(1), first.unsqueeze(1) + torch.arange(count)]


def framed(inputs: Tensor, asked: Tensor, lead: int) -> Batch:
    """Frames and what is asked for in them, (rows, frames, hop); the past of the first ones, the lead, is not known."""
    targets = asked.clone()
    targets[:, :lead] = IGNORED
    return Batch(inputs, targets.flatten(1))
