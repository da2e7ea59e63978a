"""The spectral transcription net of the ultra-light MIR paper, as a detector that slides over time.

Layers and widths follow the authors' `SpectralTranscriptionCNN` with one head (github.com/acids-ircam/lottery_mir, MIT
licence; Esling, Bitton, Chemla-Romeu-Santos, Devis, "Ultra-light deep MIR by trimming lottery tickets", ISMIR 2020):
three 5 x 5 convolutions on 64 mel bands with pooling over bands, three dense layers, a hidden layer and its output.
Theirs flattens 50 frames of 46 ms and answers for all of them, so it learns of each place in a clip anew what an onset
is. Ours is convolutional up to the output and answers for 25 frames of 10 ms at once: every answer is the same function
of the 27 frames around it, as in Schlueter and Boeck, "Improved musical onset detection with convolutional neural
networks", ICASSP 2014, whose net sees 15.
And ours gives logits for binary cross-entropy, where theirs takes cross-entropy of sigmoid outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from .features import MEL

ANSWERS = 25
"""Frames that one row answers for: 0.25 s."""
DENSE_FRAMES = 15
"""Frames that the first dense layer spans."""
CONTEXT = (3 * 4 + DENSE_FRAMES - 1) // 2
"""Frames on each side of an answer that have a part in it."""


@dataclass(frozen=True)
class Shape:
    """Channels of the three convolutions, units of every dense layer, and how much is dropped after each kind."""

    convs: tuple[int, int, int]
    dense: int
    conv_dropout: float
    dense_dropout: float


SHAPES = {
    "smoke": Shape((4, 4, 2), 48, 0.0, 0.0),
    "quick": Shape((8, 8, 4), 512, 0.0, 0.2),
    "full": Shape((64, 64, 4), 512, 0.2, 0.2),
}
"""`full` has the authors' widths, but for four channels in the third convolution: of their one nothing could be cut.
`quick` has narrower convolutions, which take most of the time, and nearly as many parameters."""


class OnsetNet(nn.Module):
    """Frames (rows, 1, 64, n + 26) -> logits (rows, n), for any n."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        first, second, third = shape.convs
        wide = shape.dense
        self.convs = nn.Sequential(
            _conv(1, first),
            *_after_conv(first, shape.conv_dropout),
            _conv(first, second),
            *_after_conv(second, shape.conv_dropout),
            _conv(second, third),
        )
        self.dense = nn.Sequential(
            nn.Conv2d(third, wide, (MEL.bands // 4, DENSE_FRAMES)),
            *_after_dense(wide, shape.dense_dropout),
            nn.Conv2d(wide, wide, 1),
            *_after_dense(wide, shape.dense_dropout),
            nn.Conv2d(wide, wide, 1),
            *_after_dense(wide, shape.dense_dropout),
            nn.Conv2d(wide, wide, 1),
            *_after_dense(wide, 0.0),
        )
        self.onset = nn.Conv2d(wide, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of an onset in every frame that has its whole context."""
        logits: Tensor = self.onset(self.dense(self.convs(x))).flatten(1)
        return logits


def _conv(before: int, after: int) -> nn.Conv2d:
    """Padded over bands only: a frame's answer must not depend on where its segment ends."""
    return nn.Conv2d(before, after, 5, padding=(2, 0))


def _after_conv(channels: int, dropped: float) -> tuple[nn.Module, ...]:
    return nn.BatchNorm2d(channels), nn.ReLU(), nn.Dropout2d(dropped), nn.MaxPool2d((2, 1))


def _after_dense(units: int, dropped: float) -> tuple[nn.Module, ...]:
    return nn.BatchNorm2d(units), nn.ReLU(), nn.Dropout(dropped)
