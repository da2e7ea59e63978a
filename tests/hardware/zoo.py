"""Nets of the size that boards hold, one of each kind: their figures under other planners are known."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Tall(nn.Module):
    """Three convolutions over time on 16 features, then a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm1 = nn.Conv1d(16, 24, 5, stride=2, padding=2), nn.BatchNorm1d(24)
        self.second, self.norm2 = nn.Conv1d(24, 24, 3, padding=1), nn.BatchNorm1d(24)
        self.third, self.norm3 = nn.Conv1d(24, 16, 3, padding=1), nn.BatchNorm1d(16)
        self.out = nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm1(self.first(x)))
        x = F.relu(self.norm2(self.second(x)))
        x = F.max_pool1d(x, 2)
        return self.out(F.relu(self.norm3(self.third(x))).mean(-1))


def flat() -> nn.Module:
    """Three convolutions over an image."""

    def block(before: int, after: int, stride: int) -> list[nn.Module]:
        return [nn.Conv2d(before, after, 3, stride, padding=1), nn.BatchNorm2d(after), nn.ReLU()]

    layers = [*block(1, 8, 2), *block(8, 16, 1), nn.MaxPool2d(2), *block(16, 16, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 8))


def decoder() -> nn.Module:
    """Two transposed convolutions up to a waveform."""
    return nn.Sequential(
        nn.ConvTranspose1d(16, 16, 8, stride=4, padding=2),
        nn.BatchNorm1d(16),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose1d(16, 8, 8, stride=4, padding=2),
        nn.BatchNorm1d(8),
        nn.ELU(),
        nn.Conv1d(8, 1, 7, padding=3),
        nn.Tanh(),
    )


class Recurrent(nn.Module):
    """A recurrent layer of which the last answer counts."""

    def __init__(self, kind: type[nn.GRU] | type[nn.LSTM]) -> None:
        super().__init__()
        self.layer = kind(8, 24, batch_first=True)
        self.out = nn.Linear(24, 8)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.layer(x)
        return self.out(y[:, -1])


class Gated(nn.Module):
    """A causal convolution with gates, a residual and a skip."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.context = 2 * dilation
        self.wide = nn.Conv1d(channels, 2 * channels, 3, dilation=dilation)
        self.back = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a, b = self.wide(F.pad(x, (self.context, 0))).chunk(2, 1)
        z = torch.tanh(a) * torch.sigmoid(b)
        return x + self.back(z), z


class Wave(nn.Module):
    """Eight such blocks; their skips are put side by side."""

    def __init__(self, channels: int = 8, blocks: int = 8) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, channels, 1)
        self.blocks = nn.ModuleList(Gated(channels, 2**k) for k in range(blocks))
        self.out = nn.Conv1d(channels * blocks, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        skips = []
        for block in self.blocks:
            x, skip = block(x)
            skips.append(skip)
        return self.out(torch.cat(skips, 1))


ZOO: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "tall": (Tall, (1, 16, 64)),
    "flat": (flat, (1, 1, 32, 32)),
    "decoder": (decoder, (1, 16, 16)),
    "gru": (lambda: Recurrent(nn.GRU), (1, 50, 8)),
    "lstm": (lambda: Recurrent(nn.LSTM), (1, 50, 8)),
    "wave": (Wave, (1, 1, 512)),
}


def of(name: str) -> tuple[nn.Module, Tensor]:
    """A net and an input, the same every time."""
    build, shape = ZOO[name]
    torch.manual_seed(0)
    return build(), torch.randn(shape, generator=torch.Generator().manual_seed(0))
