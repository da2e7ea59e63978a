"""Notes without a net: noise through the linear prediction of their mel frames, each frame as loud as it says."""

from __future__ import annotations

import torch
from torch import Tensor

from .data import Notes
from .generate import chosen
from .prediction import coefficients, predicted


def vocoded(train: Notes, split: Notes, seed: int = 0) -> Tensor:
    """The `chosen` notes of a split, (notes, samples), with Gaussian noise in place of the net.

    How loud the noise is against what is expected of the excitation, is the median over the frames of training notes.
    """
    mels, shape = split.mels[chosen(split)], split.shape
    found, rms = coefficients(mels, shape)
    loud = (rms * _gain(train) ** 0.5).repeat_interleave(shape.hop, 1)
    excitation = loud * torch.randn(loud.shape, generator=torch.Generator().manual_seed(seed))
    lead, made = shape.lead * shape.hop, torch.zeros(loud.shape)
    for time in range(lead, made.shape[1]):
        past = made[:, time - shape.order : time].flip(1)
        guess = (found[:, time // shape.hop] * past).sum(1)
        made[:, time] = (guess + excitation[:, time]).clamp(-1, 1)
    return made[:, lead:]


def _gain(train: Notes) -> float:
    """Power of what prediction leaves, over what is expected of it."""
    lead, hop = train.shape.lead, train.shape.hop
    audio = torch.nn.functional.pad(train.audio, (lead * hop, 0))
    found, rms = coefficients(train.mels, train.shape)
    left = (audio - predicted(audio, found, train.shape)).unflatten(1, (-1, hop))
    return (left.square().mean(2) / rms.square())[:, lead:].median().item()
