"""A task made of nothing but rows and a loss, and nets whose units' outputs are known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.criterion import EVIDENCE, Evidence
from benchmark.evidence import gather
from benchmark.evidence.calibration import Calibration
from benchmark.task import Batch
from benchmark.trimming import Coupling, couple


class Rows:
    """Rows with targets, as a split."""

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        self.inputs, self.targets = inputs, targets

    def __len__(self) -> int:
        return len(self.inputs)

    def batch(self, rows: Tensor) -> Batch:
        return Batch(self.inputs[rows], self.targets[rows])


def mean_square(output: Tensor, targets: Tensor) -> Tensor:
    return (output.flatten(1).mean(1) - targets).square().mean()


def calibrated(inputs: Tensor, targets: Tensor | None = None, size: int | None = None) -> Calibration:
    if targets is None:
        targets = torch.linspace(-1, 1, len(inputs))
    task: Any = SimpleNamespace(loss=mean_square, target_summary=lambda t: t)
    split: Any = Rows(inputs, targets)
    return Calibration(task, split, torch.arange(len(inputs)), size or len(inputs))


def evidence(
    model: nn.Module,
    inputs: Tensor,
    targets: Tensor | None = None,
    size: int | None = None,
    needs: tuple[str, ...] = EVIDENCE,
    protect: tuple[str, ...] = (),
) -> tuple[Coupling, dict[str, Evidence]]:
    """Coupling of the model and the evidence on all these rows."""
    coupling = couple(model, (inputs[:2],), protect)
    rows = calibrated(inputs, targets, size)
    return coupling, gather(needs, coupling, model.state_dict(), lambda: model, rows, seed=0)
