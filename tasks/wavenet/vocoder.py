"""Notes without a net: noise through the linear prediction of their mel frames, each frame as loud as it says."""

from __future__ import annotations

import torch
from torch import Tensor

from .data import Notes
from .generate import chosen
from .prediction import predicted


def vocoded(train: Notes, split: Notes, seed: int = 0) -> Tensor:
    """The `chosen` notes of a split, (notes, samples), with Gaussian noise in place of the net.

    How loud the noise is against the power that the recursion leaves, is the median over the frames of training notes.
    """
    rows, shape = chosen(split), split.shape
    random = torch.Generator().manual_seed(seed)
    deviation = (split.power[rows] * _gain(train)).sqrt().float()
    noise = torch.randn((len(rows), split.heard.shape[2]), generator=random)
    excitation = noise * deviation.repeat_interleave(shape.hop, 1)
    coefficients, lead = split.coefficients[rows], shape.lead * shape.hop
    made = torch.zeros(len(rows), split.heard.shape[2])
    for time in range(lead, made.shape[1]):
        past = made[:, time - shape.order : time].flip(1)
        guess = (coefficients[:, time // shape.hop] * past).sum(1)
        made[:, time] = (guess + excitation[:, time]).clamp(-1, 1)
    return made[:, lead:]


def _gain(train: Notes) -> float:
    lead = train.shape.lead
    audio = torch.nn.functional.pad(train.audio, (lead * train.shape.hop, 0))
    left = (audio - predicted(audio, train.coefficients, train.shape)).unflatten(1, (-1, train.shape.hop))
    found = left.square().mean(2)[:, lead:] / train.power[:, lead:]
    return found.median().item()
