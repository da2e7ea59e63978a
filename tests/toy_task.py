"""Which of four chirps: a task that trains in a blink, for tests of the harness."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmark.digest import digest_arrays
from benchmark.task import Batch, Card, Data, DataSet, Evaluation, Metric, Split, Task, Training

CLASSES, LENGTH = 4, 48


class Chirps(Split):
    def __init__(self, items: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.sources = np.arange(items) // 3
        truth = np.arange(items) % CLASSES
        rate = 0.2 + 0.25 * truth + 0.03 * random.standard_normal(items)
        time = np.arange(LENGTH)
        waves = np.sin(rate[:, None] * time + 6.28 * random.random((items, 1)))
        waves += 0.8 * random.standard_normal(waves.shape)
        self.inputs = torch.tensor(waves[:, None], dtype=torch.float32)
        self.targets = torch.tensor(truth)

    def __len__(self) -> int:
        return len(self.inputs)

    def batch(self, rows: torch.Tensor) -> Batch:
        return Batch(self.inputs[rows], self.targets[rows])


class Net(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, width, 7)
        self.norm = nn.BatchNorm1d(width)
        self.second = nn.Conv1d(width, width, 5, stride=2)
        self.hidden = nn.Linear(width, 2 * width)
        self.out = nn.Linear(2 * width, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.first(x)))
        x = torch.relu(self.second(x)).mean(2)
        return self.out(torch.relu(self.hidden(x)))


class Toy(Task):
    card = Card(title="Chirps", source="made up", licence="MIT")
    version = 1
    metrics = (Metric("toy.accuracy.v1", "ratio"), Metric("toy.macro_f1.v1", "macro_f1"))
    tolerance = 0.05
    datasets = (DataSet("made", "made-up chirps", "MIT", needs_home=False),)
    protected = ("out",)

    def data(self, name: str, home: Path | None, profile: str, seed: int) -> Data:
        splits = [Chirps(n, 10 * seed + i) for i, n in enumerate((240, 61, 121))]
        content = [a for s in splits for a in (s.inputs.numpy(), s.targets.numpy(), s.sources)]
        manifest = {"items": [len(s) for s in splits], "missing": ["odd.wav: empty"]}
        return Data(*splits, digest=digest_arrays(content), manifest=manifest)

    def model(self, profile: str) -> nn.Module:
        return Net({"smoke": 16, "quick": 24, "full": 32}[profile])

    def training(self, profile: str) -> Training:
        return Training(steps=50, batch=32, learning_rate=1e-2, checks=3)

    def loss(self, output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(output, targets)

    def evaluate(self, outputs: torch.Tensor, split: Split) -> Evaluation:
        guess, truth = outputs.argmax(1).numpy(), split.targets.numpy()
        items = {
            "toy.accuracy.v1": {"part": (guess == truth).astype(np.uint8), "whole": np.ones(len(truth), np.uint8)},
            "toy.macro_f1.v1": {"truth": truth.astype(np.uint8), "guess": guess.astype(np.uint8)},
        }
        return Evaluation(self.scored(items), items)

    def example(self, profile: str) -> torch.Tensor:
        return torch.zeros(1, 1, LENGTH)

    def seconds(self, profile: str) -> float:
        return 0.01

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        return Batch(batch.inputs + 0.1 * torch.randn(batch.inputs.shape, generator=generator), batch.targets)


task = Toy()
