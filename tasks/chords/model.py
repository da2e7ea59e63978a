"""The convolutional chord recogniser of the ultra-light MIR paper.

Layers, kernels and widths follow the authors' `LotteryConvNetAce` (github.com/acids-ircam/lottery_mir, MIT licence;
Esling, Bitton, Chemla-Romeu-Santos, Devis, "Ultra-light deep MIR by trimming lottery tickets", ISMIR 2020). Their noise
layer is part of the augmentation here, so that the network is the same in training and on a board.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .harmony import CLASS_LABELS

BINS, FRAMES = 105, 15
"""The patch: 24 bins an octave, 4.4 octaves; the labelled frame is the middle one."""


@dataclass(frozen=True)
class Shape:
    """Channels of the three convolutions, units of the dense layer, and how much is dropped after each kind."""

    convs: tuple[int, int, int]
    dense: int
    conv_dropout: float
    dense_dropout: float


SHAPES = {
    "smoke": Shape((3, 4, 4), 24, 0.0, 0.0),
    "quick": Shape((6, 8, 16), 420, 0.0, 0.3),
    "full": Shape((16, 20, 24), 200, 0.2, 0.5),
}
"""The authors drop 0.6 everywhere, which starves narrow convolutions; `quick` was chosen on validation of seed 0."""


class TallConv2d(nn.Conv2d):
    """A convolution without stride or padding, whose gradient of the input is taken by a forward convolution.

    The same numbers up to rounding. For tall kernels on few channels the library's own way is several times slower on a
    CPU, and took most of a step of a trimmed net.
    """

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if not torch.is_grad_enabled():
            return super()._conv_forward(x, weight, bias)
        result: Tensor = _Convolution.apply(x, weight, bias)
        return result


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return nn.functional.conv2d(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (gradient,) = gradients
        x, weight = ctx.saved_tensors
        high, wide = weight.shape[2:]
        of_x = nn.functional.conv2d(gradient, weight.flip(2, 3).transpose(0, 1), padding=(high - 1, wide - 1))
        of_weight = nn.grad.conv2d_weight(x, weight.shape, gradient)
        return of_x, of_weight, gradient.sum((0, 2, 3))


class ChordNet(nn.Module):
    """Patches (rows, 1, 105, 15) -> logits (rows, 25)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        first, second, third = shape.convs
        self.norm = nn.BatchNorm2d(1)
        # The first convolution and its norm can learn the same, and the gradient of the input takes a third of a step.
        self.norm.requires_grad_(False)
        self.conv1 = nn.Conv2d(1, first, (25, 6), padding=1)
        self.norm1 = nn.BatchNorm2d(first)
        self.pool = nn.MaxPool2d((3, 1), stride=1)
        self.conv2 = TallConv2d(first, second, (27, 6))
        self.norm2 = nn.BatchNorm2d(second)
        self.conv3 = TallConv2d(second, third, (27, 6))
        self.norm3 = nn.BatchNorm2d(third)
        high, wide = BINS + 2 - 24 - 2 - 26 - 26, FRAMES + 2 - 5 - 5 - 5
        self.dense = nn.Linear(third * high * wide, shape.dense)
        self.norm4 = nn.BatchNorm1d(shape.dense)
        self.classes = nn.Linear(shape.dense, len(CLASS_LABELS))
        self.relu = nn.ReLU()
        self.conv_drop = nn.Dropout(shape.conv_dropout)
        self.dense_drop = nn.Dropout(shape.dense_dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of the middle frame's chord."""
        x = self.pool(self.conv_drop(self.relu(self.norm1(self.conv1(self.norm(x))))))
        x = self.conv_drop(self.relu(self.norm2(self.conv2(x))))
        x = self.conv_drop(self.relu(self.norm3(self.conv3(x))))
        x = self.dense_drop(self.relu(self.norm4(self.dense(x.flatten(1)))))
        logits: Tensor = self.classes(x)
        return logits
