"""The spectral transcription net of the ultra-light MIR paper.

Layers and widths follow the authors' `SpectralTranscriptionCNN` (github.com/acids-ircam/lottery_mir, MIT licence;
Esling, Bitton, Chemla-Romeu-Santos, Devis, "Ultra-light deep MIR by trimming lottery tickets", ISMIR 2020): three 5 x 5
convolutions on 64 mel bands, three dense layers, and for every drum a hidden layer and its output. Two things are
otherwise here. Theirs sees 50 frames of 46 ms and answers for all 50 at once; ours sees 15 frames of 12 ms and answers
for the middle one, so that an answer does not depend on where in a clip a stroke lies. Theirs takes cross-entropy of
sigmoid outputs; ours gives one logit a drum, for binary cross-entropy.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from .features import MEL, PATCH
from .sounds import DRUM_NAMES


@dataclass(frozen=True)
class Shape:
    """Channels of the three convolutions, units of every dense layer, and how much is dropped after each kind."""

    convs: tuple[int, int, int]
    dense: int
    conv_dropout: float
    dense_dropout: float


SHAPES = {
    "smoke": Shape((4, 4, 2), 64, 0.0, 0.0),
    "quick": Shape((8, 8, 2), 512, 0.0, 0.2),
    "full": Shape((64, 64, 2), 512, 0.2, 0.2),
}
"""`full` has the authors' widths, but for a second channel in the third convolution: of one nothing could be cut.
`quick` has narrower convolutions, which take most of the time, and as many parameters."""


class DrumNet(nn.Module):
    """Patches (rows, 1, 64, 15) -> logits (rows, 3)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        first, second, third = shape.convs
        wide = shape.dense
        self.convs = nn.Sequential(
            nn.Conv2d(1, first, 5, padding=2),
            *_after_conv(first, shape.conv_dropout),
            nn.Conv2d(first, second, 5, padding=2),
            *_after_conv(second, shape.conv_dropout),
            nn.Conv2d(second, third, 5, padding=2),
            nn.Flatten(),
        )
        sizes = (third * (MEL.bands // 4) * PATCH, wide, wide, wide)
        self.dense = nn.Sequential(
            *(
                layer
                for before, after in pairwise(sizes)
                for layer in (
                    nn.Linear(before, after),
                    nn.BatchNorm1d(after),
                    nn.ReLU(),
                    nn.Dropout(shape.dense_dropout),
                )
            )
        )
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(wide, wide), nn.BatchNorm1d(wide), nn.ReLU(), nn.Linear(wide, 1))
            for _ in DRUM_NAMES
        )

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a stroke on each drum in the middle frame."""
        x = self.dense(self.convs(x))
        return torch.cat([head(x) for head in self.heads], dim=1)


PROTECTED = tuple(f"heads.{drum}.3" for drum in range(len(DRUM_NAMES)))
"""The output layer of every drum."""


def _after_conv(channels: int, dropped: float) -> tuple[nn.Module, ...]:
    return nn.BatchNorm2d(channels), nn.ReLU(), nn.Dropout2d(dropped), nn.MaxPool2d((2, 1))
