"""Notes as the net takes them."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.data.tones import Tones
from benchmark.task import Batch, Split

from . import features
from .model import Shape
from .mulaw import encode
from .prediction import coefficients, predicted, told

IGNORED = -100
"""A target that is no part of the loss."""
NOISE = 2.0
"""The loudest that training notes are disturbed by, as RMS over that of what prediction leaves of the frame."""


class Notes(Split):
    """Notes after silence; a row is an item: all of a note, or `window` frames somewhere in it, always the same.

    Attributes
    ----------
    audio : Tensor
        (notes, samples) of the notes, without the silence.
    heard : Tensor
        (notes, 3, lead + samples) uint8: levels of the samples, their predictions and their excitations, after noise.
    asked : Tensor
        (notes, lead + samples) uint8: levels of the excitations that give the samples of the note after what is heard.
    mels, coefficients : Tensor
        (notes, lead + frames, 80) and (notes, lead + frames, order).
    power : Tensor
        (notes, lead + frames) of the excitation, up to a factor.
    """

    def __init__(self, tones: Tones, shape: Shape, window: int | None, noise: float = 0.0) -> None:
        """`noise`: what is heard, not what is asked for, is disturbed by up to that, see :func:`disturbed`."""
        self.shape, self.sources = shape, tones.sources
        led = features.sound(tones, shape)
        self.audio = led[:, shape.lead * shape.hop :]
        self.mels = features.mels(led, shape)
        self.coefficients, self.power = coefficients(self.mels, shape)
        near = disturbed(led, led - predicted(led, self.coefficients, shape), shape.hop, noise)
        guess = predicted(near, self.coefficients, shape)
        self.heard, self.asked = told(near, guess), encode(led - guess).to(torch.uint8)
        self.window = window
        count = self.mels.shape[1] - (window or self.mels.shape[1]) + 1
        self.first = torch.randint(count, (len(led),), generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        """Notes."""
        return len(self.audio)

    def batch(self, rows: Tensor) -> Batch:
        """(rows, frames, 3 hop + 80): levels and mel bands; and what is asked for, (rows, samples)."""
        heard, asked = (levels[rows].unflatten(-1, (-1, self.shape.hop)) for levels in (self.heard, self.asked))
        inputs, asked = torch.cat([heard.transpose(1, 2).flatten(2), self.mels[rows]], 2), asked.long()
        if self.window is not None:
            inputs, asked = (cut(x, self.first[rows], self.window) for x in (inputs, asked))
        return framed(inputs, asked, self.shape.lead)


def disturbed(audio: Tensor, left: Tensor, hop: int, noise: float) -> Tensor:
    """Samples (notes, frames * hop) with noise, the same in every process.

    A net that hears nothing but notes as they are does not learn to come back when it has drawn a sample that no note
    has (LPCNet's authors disturb what is heard for that reason, too).

    Parameters
    ----------
    left
        Of the same shape: what prediction leaves.
    noise
        RMS of the noise over that of `left` in the frame: drawn for each note between 0 and this.
    """
    random = torch.Generator().manual_seed(0)
    loud = noise * torch.rand((len(audio), 1), generator=random)
    level = left.unflatten(1, (-1, hop)).square().mean(2).sqrt().repeat_interleave(hop, 1)
    return (audio + loud * level * torch.randn(audio.shape, generator=random)).clamp(-1, 1)


def cut(frames: Tensor, first: Tensor, count: int) -> Tensor:
    """`count` frames of each row from its first on: (rows, count, ...)."""
    return frames[torch.arange(len(frames)).unsqueeze(1), first.unsqueeze(1) + torch.arange(count)]


def framed(inputs: Tensor, asked: Tensor, lead: int) -> Batch:
    """Frames and what is asked for in them, (rows, frames, hop); the past of the first ones, the lead, is not known."""
    targets = asked.clone()
    targets[:, :lead] = IGNORED
    return Batch(inputs, targets.flatten(1))
