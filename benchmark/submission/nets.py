"""Tiny nets of every kind that tasks have, which a criterion is tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.task import Batch, Split

ROWS = 48
CLASSES = 3


@dataclass(frozen=True)
class Case:
    """A net, inputs for it, and targets that are classes or a quantity."""

    name: str
    build: Callable[[], nn.Module]
    inputs: Callable[[], Tensor]
    classes: bool = True

    @property
    def targets(self) -> Tensor:
        """(ROWS,): of each row."""
        return torch.arange(ROWS) % CLASSES if self.classes else torch.linspace(-1, 1, ROWS)


class Rows(Split):
    """Rows as a split."""

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        self.inputs, self.targets = inputs, targets

    def __len__(self) -> int:
        return len(self.inputs)

    def batch(self, rows: Tensor) -> Batch:
        """These rows."""
        return Batch(self.inputs[rows], self.targets[rows])


class Loss:
    """As much of a task as gathering evidence takes."""

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of classes, mean square of a quantity."""
        flat = output.flatten(1)
        if targets.dtype == torch.int64:
            return F.cross_entropy(flat[:, :CLASSES], targets)
        return (flat.mean(1) - targets).square().mean()

    def target_summary(self, targets: Tensor) -> Tensor:
        """The targets, which are one number each."""
        return targets


class Chain(nn.Module):
    """Modules by name and a forward that gets them and the input."""

    def __init__(self, forward: Callable[[Chain, Tensor], Any], **modules: nn.Module) -> None:
        super().__init__()
        self._run = forward
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Any:
        """What the forward that was given says."""
        return self._run(self, x)

    def at(self, name: str) -> nn.Module:
        """The module of that name."""
        return self.get_submodule(name)


@lru_cache
def cases() -> tuple[Case, ...]:
    """The nets; the width of groups differs, so that a mix-up shows."""
    return (
        Case("linear", _linear, _random(7)),
        Case("convolution", _convolution, _random(2, 20)),
        Case("residual 2-d convolution", _residual, _random(1, 8, 9), classes=False),
        Case("grouped and depthwise convolution", _grouped, _random(4, 18)),
        Case("transposed convolution", _transposed, _random(2, 9), classes=False),
        Case("weight norm", _weight_norm, _random(2, 16)),
        Case("GRU", lambda: _recurrent(nn.GRU(5, 9, batch_first=True), 9), _random(6, 5)),
        Case("two-way LSTM of two layers", _two_way, _random(6, 5), classes=False),
        Case("attention", _attention, _random(6, 5)),
        Case("embedding", _embedding, lambda: torch.randint(0, 11, (ROWS, 6), generator=_luck())),
    )


def _luck() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def _random(*shape: int) -> Callable[[], Tensor]:
    return lambda: torch.randn(ROWS, *shape, generator=_luck())


def _linear() -> nn.Module:
    return nn.Sequential(nn.Linear(7, 12), nn.LayerNorm(12), nn.ReLU(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 3))


def _convolution() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv1d(2, 10, 5), nn.BatchNorm1d(10), nn.ReLU(), nn.MaxPool1d(2)),
        *(nn.Conv1d(10, 7, 3), nn.BatchNorm1d(7), nn.ReLU(), nn.AdaptiveAvgPool1d(2), nn.Flatten()),
        *(nn.Linear(14, 9), nn.ReLU(), nn.Linear(9, 3)),
    )


def _residual() -> nn.Module:
    def forward(net: Chain, x: Tensor) -> Any:
        h = F.relu(net.at("first")(x))
        h = h + net.at("back")(F.relu(net.at("norm")(net.at("inner")(h))))
        return net.at("out")(h.mean((2, 3)))

    layers = {"first": nn.Conv2d(1, 8, 3), "inner": nn.Conv2d(8, 6, 3, padding=1), "norm": nn.BatchNorm2d(6)}
    return Chain(forward, **layers, back=nn.Conv2d(6, 8, 1), out=nn.Linear(8, 3))


def _grouped() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv1d(4, 12, 3, groups=2), nn.ReLU(), nn.Conv1d(12, 10, 1), nn.ReLU()),
        *(nn.Conv1d(10, 10, 3, groups=10), nn.ReLU(), nn.Conv1d(10, 6, 1), nn.ReLU()),
        *(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 3)),
    )


def _transposed() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv1d(2, 8, 3), nn.ReLU(), nn.ConvTranspose1d(8, 6, 4, stride=2), nn.ReLU()),
        *(nn.Conv1d(6, 5, 1), nn.ReLU(), nn.Conv1d(5, 1, 1)),
    )


def _weight_norm() -> nn.Module:
    normed = nn.utils.parametrizations.weight_norm
    return nn.Sequential(
        *(normed(nn.Conv1d(2, 9, 3)), nn.ReLU(), normed(nn.Conv1d(9, 7, 3)), nn.ReLU()),
        *(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(7, 3)),
    )


def _recurrent(layer: nn.Module, width: int) -> nn.Module:
    def forward(net: Chain, x: Tensor) -> Any:
        return net.at("out")(net.at("recurrent")(net.at("first")(x))[0]).mean(1)

    return Chain(forward, first=nn.Linear(5, 5), recurrent=layer, out=nn.Linear(width, 3))


def _two_way() -> nn.Module:
    return _recurrent(nn.LSTM(5, 6, num_layers=2, bidirectional=True, batch_first=True), 12)


def _attention() -> nn.Module:
    def forward(net: Chain, x: Tensor) -> Any:
        h = net.at("first")(x)
        y = net.at("norm")(h)
        query, key, value = (net.at(name)(y).unsqueeze(1) for name in ("query", "key", "value"))
        h = h + net.at("mix")(F.scaled_dot_product_attention(query, key, value).squeeze(1))
        h = h + net.at("down")(F.relu(net.at("up")(h)))
        return net.at("out")(h).mean(1)

    square = {name: nn.Linear(8, 8) for name in ("query", "key", "value", "mix")}
    wide = {"up": nn.Linear(8, 11), "down": nn.Linear(11, 8)}
    return Chain(forward, first=nn.Linear(5, 8), norm=nn.LayerNorm(8), **square, **wide, out=nn.Linear(8, 3))


def _embedding() -> nn.Module:
    def forward(net: Chain, x: Tensor) -> Any:
        return net.at("out")(F.relu(net.at("hidden")(net.at("table")(x)))).mean(1)

    return Chain(forward, table=nn.Embedding(11, 9), hidden=nn.Linear(9, 7), out=nn.Linear(7, 3))
