"""CREPE: six convolutions on 1,024 samples of audio.

Kim, Salamon, Li, Bello: CREPE: a convolutional representation for pitch estimation, ICASSP 2018, and the authors' code
(github.com/marl/crepe, MIT licence): each block is a convolution, ReLU, batch norm, pooling by two and dropout. `full`
has the paper's widths. The output layer has one unit more than theirs: see :mod:`.scale`.

A kernel of 64 on the last block's 8 samples meets padding with 49 of its taps, always: three quarters of the weights
of that layer, and half of the one before it, never do anything. They count as parameters here as they do in the paper,
and whoever scores a unit by its weights scores these too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .scale import OUTPUTS

RATE = 16_000
FRAME = 1024
"""Samples that the net sees: 64 ms."""
KERNELS = (512, 64, 64, 64, 64, 64)
STRIDES = (4, 1, 1, 1, 1, 1)
LEFT = FRAME // 4 // 2**6
"""Samples after the last pooling."""


@dataclass(frozen=True)
class Shape:
    """Channels of the six convolutions, and how much is dropped after each."""

    widths: tuple[int, int, int, int, int, int]
    dropout: float


SHAPES = {
    "smoke": Shape((8, 8, 8, 8, 8, 32), 0.0),
    "quick": Shape((8, 16, 16, 16, 24, 512), 0.0),
    "full": Shape((1024, 128, 128, 128, 256, 512), 0.25),
}
"""`quick` has the parameters of the paper's "small" (1.63 M), more of them where there are few samples to work on."""


class PaddedConv1d(nn.Conv1d):
    """A convolution whose input has (taps - stride) zeros around its samples, the odd one on the right.

    In training it computes the same numbers, up to rounding, in less time: taps that only ever meet the zeros are left
    out, in a tenth of the time for the last block; and a stride becomes channels, one for each of its phases.
    """

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if not torch.is_grad_enabled():
            whole: Tensor = super()._conv_forward(x, weight, bias)
            return whole
        taps, (stride,) = weight.shape[-1], self.stride
        if stride > 1:
            return nn.functional.conv1d(_phases(x, stride), _phases(weight, stride), bias)
        samples, before = x.shape[-1] - (taps - 1), (taps - 1) // 2
        first, last = max(0, before + 1 - samples), min(taps, before + samples)
        return nn.functional.conv1d(x[..., first : last + samples - 1], weight[..., first:last], bias)


def _phases(x: Tensor, stride: int) -> Tensor:
    """(n, channels, samples) -> (n, channels x stride, samples / stride)."""
    phases: Tensor = x.unflatten(2, (-1, stride)).transpose(2, 3).flatten(1, 2)
    return phases


class Crepe(nn.Module):
    """Frames (rows, 1, 1024) of mean 0 and deviation 1 -> logits (rows, 361)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        before = 1
        for width, kernel, stride in zip(shape.widths, KERNELS, STRIDES, strict=True):
            # As TensorFlow pads to samples / stride outputs: the odd zero is on the right.
            zeros = kernel - stride
            padding = nn.ZeroPad1d((zeros // 2, zeros - zeros // 2))
            layers = (PaddedConv1d(before, width, kernel, stride), nn.ReLU(), nn.BatchNorm1d(width), nn.MaxPool1d(2))
            blocks.append(nn.Sequential(padding, *layers, nn.Dropout(shape.dropout)))
            before = width
        self.blocks = nn.Sequential(*blocks)
        self.pitch = nn.Linear(LEFT * before, OUTPUTS)

    def forward(self, frames: Tensor) -> Tensor:
        """Logits of the pitch at the middle of the frame."""
        logits: Tensor = self.pitch(self.blocks(frames).flatten(1))
        return logits
