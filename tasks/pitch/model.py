"""CREPE: six convolutions on 1,024 samples of audio.

Kim, Salamon, Li, Bello: CREPE: a convolutional representation for pitch estimation, ICASSP 2018, and the authors' code
(github.com/marl/crepe, MIT licence): each block is a convolution, ReLU, batch norm, pooling by two and dropout. `full`
is the paper's net. The output layer has one unit more than theirs: see :mod:`.scale`.

In the paper's net a kernel of 64 on the last block's 8 samples meets padding with 49 of its taps, always: three
quarters of the weights of that layer, and half of the one before it, never do anything. They count as parameters as
they do in the paper, and whoever scores a unit by its weights scores these too. The smaller nets have the same blocks
with a stride of 16 in the first one instead of 4, which pays for more filters there, and kernels no longer than the
samples that are left, so that every weight hears something.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from .scale import OUTPUTS

RATE = 16_000
FRAME = 1024
"""Samples that the net sees: 64 ms."""

Six = tuple[int, int, int, int, int, int]
SHORT: Six = (512, 8, 8, 8, 4, 2)
"""Kernels on 64, 32, 16, 8, 4 and 2 samples."""


@dataclass(frozen=True)
class Shape:
    """Channels and kernels of the six convolutions, the stride of the first, and how much is dropped after each."""

    widths: Six
    kernels: Six
    stride: int
    dropout: float

    @property
    def left(self) -> int:
        """Samples after the last pooling."""
        return FRAME // self.stride >> len(self.widths)


SHAPES = {
    "smoke": Shape((8, 8, 8, 8, 8, 32), SHORT, 16, 0.0),
    "quick": Shape((32, 64, 64, 128, 256, 512), SHORT, 16, 0.0),
    "full": Shape((1024, 128, 128, 128, 256, 512), (512, 64, 64, 64, 64, 64), 4, 0.25),
}


class Crepe(nn.Module):
    """Frames (rows, 1, 1024) of mean 0 and deviation 1 -> logits (rows, 361)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        before = 1
        for width, kernel in zip(shape.widths, shape.kernels, strict=True):
            stride = 1 if blocks else shape.stride
            # As TensorFlow pads to samples / stride outputs: the odd zero is on the right.
            zeros = kernel - stride
            padding = nn.ZeroPad1d((zeros // 2, zeros - zeros // 2))
            layers = (nn.Conv1d(before, width, kernel, stride), nn.ReLU(), nn.BatchNorm1d(width), nn.MaxPool1d(2))
            blocks.append(nn.Sequential(padding, *layers, nn.Dropout(shape.dropout)))
            before = width
        self.blocks = nn.Sequential(*blocks)
        self.pitch = nn.Linear(shape.left * before, OUTPUTS)

    def forward(self, frames: Tensor) -> Tensor:
        """Logits of the pitch at the middle of the frame."""
        logits: Tensor = self.pitch(self.blocks(frames).flatten(1))
        return logits
