"""The reference model: a small image classifier over one second of log-mel spectrogram."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from .features import FRAMES, MELS


@dataclass(frozen=True)
class Widths:
    """Channels of the five convolutions, units of the two dense layers."""

    convolutions: tuple[int, int, int, int, int]
    dense: tuple[int, int]


WIDTHS = {
    "smoke": Widths((4, 8, 12, 16, 16), (32, 32)),
    "quick": Widths((24, 48, 96, 128, 128), (512, 512)),
    "full": Widths((48, 96, 192, 256, 256), (1024, 1024)),
}
POOLED = (True, True, False, False, True)
"""After which convolutions the map is halved; the first convolution halves it too: 64 x 50 ends as 4 x 3."""
CELLS = (MELS // 16) * (FRAMES // 16)
DROPOUT = 0.3


class LogMelNet(nn.Module):
    """Five convolutions and two dense layers, each with batch norm and ReLU, then a linear layer.

    Called with (rows, 1, 64, 50), returns logits (rows, classes).
    """

    def __init__(self, widths: Widths, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for number, (width, pooled) in enumerate(zip(widths.convolutions, POOLED, strict=True)):
            size, stride = (5, 2) if number == 0 else (3, 1)
            # A bias would be undone by the norm that follows.
            layers += [nn.Conv2d(before, width, size, stride, size // 2, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            layers += [nn.MaxPool2d(2)] if pooled else []
            before = width
        layers.append(nn.Flatten())
        before *= CELLS
        for width in widths.dense:
            layers += [nn.Linear(before, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(DROPOUT)]
            before = width
        self.body = nn.Sequential(*layers)
        self.classes = nn.Linear(before, classes)

    def forward(self, patches: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.classes(self.body(patches))
        return logits
