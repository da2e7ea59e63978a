"""The convolutional chord recogniser of the ultra-light MIR paper.

Layers, kernels and widths follow the authors' `LotteryConvNetAce` (github.com/acids-ircam/lottery_mir, MIT licence;
Esling, Bitton, Chemla-Romeu-Santos, Devis, "Ultra-light deep MIR by trimming lottery tickets", ISMIR 2020). Their noise
layer is part of the augmentation here, so that the network is the same in training and on a board.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from .harmony import CLASS_LABELS

BINS, FRAMES = 105, 15
"""The patch: 24 bins an octave, 4.4 octaves; the labelled frame is the middle one."""


@dataclass(frozen=True)
class Widths:
    """Channels of the three convolutions and units of the dense layer."""

    convs: tuple[int, int, int]
    dense: int


WIDTHS = {
    "smoke": Widths((3, 4, 4), 24),
    "quick": Widths((8, 12, 16), 400),
    "full": Widths((16, 20, 24), 200),
}


class ChordNet(nn.Module):
    """Patches (rows, 1, 105, 15) -> logits (rows, 25)."""

    def __init__(self, widths: Widths, dropout: float) -> None:
        super().__init__()
        first, second, third = widths.convs
        self.norm = nn.BatchNorm2d(1)
        self.conv1 = nn.Conv2d(1, first, (25, 6), padding=1)
        self.norm1 = nn.BatchNorm2d(first)
        self.pool = nn.MaxPool2d((3, 1), stride=1)
        self.conv2 = nn.Conv2d(first, second, (27, 6))
        self.norm2 = nn.BatchNorm2d(second)
        self.conv3 = nn.Conv2d(second, third, (27, 6))
        self.norm3 = nn.BatchNorm2d(third)
        high, wide = _map_size()
        self.dense = nn.Linear(third * high * wide, widths.dense)
        self.norm4 = nn.BatchNorm1d(widths.dense)
        self.classes = nn.Linear(widths.dense, len(CLASS_LABELS))
        self.relu = nn.ReLU()
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of the middle frame's chord."""
        x = self.pool(self.drop(self.relu(self.norm1(self.conv1(self.norm(x))))))
        x = self.drop(self.relu(self.norm2(self.conv2(x))))
        x = self.drop(self.relu(self.norm3(self.conv3(x))))
        x = self.drop(self.relu(self.norm4(self.dense(x.flatten(1)))))
        return self.classes(x)


def _map_size() -> tuple[int, int]:
    """Height and width that the third convolution leaves of a patch."""
    high, wide = BINS + 2 - 24, FRAMES + 2 - 5
    high -= 2
    return high - 26 - 26, wide - 5 - 5
