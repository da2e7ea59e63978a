"""What a net is told of a sample, and how fast, deep and wide it is."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.task import Profile

MELS = 80
KINDS = 3
"""Of levels that are heard: samples, what is predicted of them, what that leaves."""
PREDICTION = 1
"""The one of them that is known of a sample before it is guessed."""
STACKS = 2


@dataclass(frozen=True)
class Shape:
    """Sample rate and widths."""

    rate: int
    layers: int
    """Of a stack: dilations 1, 2, 4, ..."""
    table: int
    residual: int
    skip: int
    condition: int

    @property
    def hop(self) -> int:
        """Samples of a mel frame, 32 ms."""
        return self.rate * 32 // 1000

    @property
    def order(self) -> int:
        """Of linear prediction: samples of 8 ms."""
        return self.rate * 8 // 1000

    @property
    def dilations(self) -> list[int]:
        """Of all layers."""
        return [2**layer for layer in range(self.layers)] * STACKS

    @property
    def field(self) -> int:
        """How many samples before it a sample depends on: 128 ms at `full`, 32 ms else."""
        return sum(self.dilations) + 1

    @property
    def lead(self) -> int:
        """Frames that hold a receptive field: what is said in them is no part of the loss."""
        return -(-self.field // self.hop)


SHAPES: dict[Profile, Shape] = {
    "smoke": Shape(8000, 7, 4, 8, 16, 8),
    "quick": Shape(8000, 7, 16, 32, 64, 256),
    "full": Shape(16_000, 10, 128, 128, 256, 80),
}
"""`quick` is narrower than the paper's net and hears less, so that a run fits its minutes. What it is told of a frame
may be wide, as it is computed once a frame; else the tables of levels would be more than the last rounds may keep."""
