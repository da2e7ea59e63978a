"""Which instrument plays: single notes of twelve orchestral instruments, by a convolutional net on log-mel patches."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.task import Batch, Card, Data, DataSet, Evaluation, Metric, Profile, Split, Task, Training

from .data import load
from .features import FRAMES, HOP, MELS, RATE
from .model import WIDTHS, LogMelNet
from .philharmonia import CLASSES

SMOKE_NOTES = 8
"""Notes of an instrument in the smoke profile."""

GAIN = 0.3
"""Largest gain in units of the features: 1.5 nepers of power, 6.5 dB."""
MASKED_FRAMES, MASKED_MELS = 12, 12
"""Longest masks: 0.24 s and 12 of the 64 bands."""


class Classification(Task):
    """Instrument of a recorded note."""

    card = Card(
        title="Instrument classification",
        source="P. Esling et al., Ultra-light deep MIR by trimming lottery tickets, ISMIR 2020 (the task); "
        "Philharmonia Orchestra sound samples (the recordings); "
        "D. S. Park et al., SpecAugment, Interspeech 2019 (the masks)",
        licence="MIT",
        notes="Recordings: sustained single notes (durations 1 and 1.5 s, played normally) of 12 instruments. There is "
        "one player an instrument: a split by note measures new notes, not new players. All takes of one note are on "
        "one side. Seeds 0, 1, 2 have disjoint test notes, later seeds repeat them; validation notes are the same for "
        "all seeds. The published set has one recording under two names, French horn E2 and oboe E6: neither is used.",
    )
    version = 1
    metrics = (Metric("classification.macro_f1.v1", "macro_f1"), Metric("classification.accuracy.v1", "ratio"))
    datasets = (
        DataSet(
            name="philharmonia",
            title="Philharmonia Orchestra sound samples, 12 instruments",
            licence="free to use, also commercially; not to be sold or passed on as samples",
            needs_home=True,
        ),
    )
    protected = ("classes",)

    def data(self, name: str, home: Path | None, profile: Profile, seed: int) -> Data:
        """Recordings by note; `smoke` takes 8 notes an instrument."""
        return load(home, SMOKE_NOTES if profile == "smoke" else None, seed)

    def model(self, profile: Profile) -> nn.Module:
        """Five convolutions, two dense layers; 1.37 M parameters at `quick`."""
        return LogMelNet(WIDTHS[profile], len(CLASSES))

    def training(self, profile: Profile) -> Training:
        """About 18 passes at `quick`, 36 at `full`."""
        steps = {"smoke": 60, "quick": 1300, "full": 2600}[profile]
        return Training(steps=steps, batch=32, learning_rate=4e-3, weight_decay=1e-2)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy with labels smoothed by 0.05."""
        return nn.functional.cross_entropy(output, targets, label_smoothing=0.05)

    def evaluate(self, outputs: Tensor, split: Split) -> Evaluation:
        """Macro-F1 and accuracy of the largest logit; an item is a clip."""
        truth = split.batch(torch.arange(len(split))).targets.numpy().astype(np.uint8)
        guess = outputs.argmax(1).cpu().numpy().astype(np.uint8)
        items: dict[str, Mapping[str, np.ndarray]] = {
            "classification.macro_f1.v1": {"truth": truth, "guess": guess},
            "classification.accuracy.v1": {"part": truth == guess, "whole": np.ones(len(truth), bool)},
        }
        return Evaluation(self.scored(items), items)

    def example(self, profile: Profile) -> Tensor:
        """One patch of noise, (1, 1, 64, 50)."""
        shape = (1, 1, MELS, FRAMES)
        return torch.randn(shape, generator=torch.Generator().manual_seed(0))

    def seconds(self, profile: Profile) -> float:
        """A clip."""
        return FRAMES * HOP / RATE

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """A gain, one masked stretch of time and one of frequency for every clip."""
        rows, _, mels, frames = batch.inputs.shape
        gain, *places = torch.rand((5, rows), generator=generator)
        inputs = batch.inputs + (GAIN * (2 * gain - 1)).view(rows, 1, 1, 1)
        time = _mask(places[0], places[1], frames, MASKED_FRAMES).view(rows, 1, 1, frames)
        frequency = _mask(places[2], places[3], mels, MASKED_MELS).view(rows, 1, mels, 1)
        return Batch(inputs.masked_fill(time | frequency, 0.0), batch.targets)


def _mask(length: Tensor, start: Tensor, size: int, longest: int) -> Tensor:
    """(rows, size) booleans: a stretch of 0 to `longest` cells, from two uniform numbers a row."""
    cells = (length * (longest + 1)).floor()
    first = (start * (size - cells + 1)).floor()
    at = torch.arange(size)
    return (at >= first[:, None]) & (at < (first + cells)[:, None])


task = Classification()
