"""The DDSP task: what the harness asks of it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from benchmark.audio import scores
from benchmark.audio.judging import judge
from benchmark.data import single_notes
from benchmark.data.single_notes import SECONDS
from benchmark.data.splits import SIDES
from benchmark.data.tones import Tones
from benchmark.task import Batch, Card, Data, Evaluation, Metric, Profile, Split, Task, Training

from . import features
from .features import Scale
from .losses import spectral_loss
from .model import INPUTS, SHAPES, Ddsp
from .synth import HOP, RATE

SHORTEST = 13
"""Frames of a note that training hears at least: the longest window of the loss fits in."""


class Notes(Split):
    """Notes; a row is an item."""

    def __init__(self, held: Tones, scale: Scale | None = None) -> None:
        found = features.frames(held)
        self.scale = scale or Scale.of(found[..., 2:])
        self.inputs = torch.cat([found[..., :2], self.scale(found[..., 2:])], -1)
        self.audio = features.sound(held)
        self.sources = held.sources

    def __len__(self) -> int:
        """Notes."""
        return len(self.audio)

    def batch(self, rows: Tensor) -> Batch:
        """(rows, frames, 32) and (rows, samples)."""
        return Batch(self.inputs[rows], self.audio[rows])


class DdspTask(Task):
    """Notes from pitch, loudness and timbre."""

    card = Card(
        title="DDSP: notes by harmonic and filtered-noise synthesis",
        source="Esling, Devis, Bitton, Caillon, Chemla-Romeu-Santos, Douwes: Diet deep generative audio models with "
        "structured lottery, DAFx 2020; network: Engel, Hantrakul, Gu, Roberts: DDSP, ICLR 2020; notes in the manner "
        "of NSynth: Engel et al., ICML 2017",
        licence="MIT",
        notes="Rendered at run time from the sound font of the installed pretty_midi package (GPL-2); rendered audio "
        "is not redistributed. Test notes have sounds and pitches that training has not. The net hears the note that "
        "it is to give, through 10 ms frames of pitch, loudness and 30 MFCCs: it is an auto-encoder.",
    )
    version = 1
    metrics = (*scores.metrics("ddsp"), Metric("ddsp.loss.v1", "ratio", higher_is_better=False))
    datasets = single_notes.DATASETS
    protected = ("controls", "reverb")

    def data(self, name: str, home: Path | None, profile: Profile, seed: int) -> Data:
        """Fold `seed` of the sources tests, on the keys of fold `seed`; see :mod:`benchmark.data.tones`."""
        held = single_notes.load(name, home, profile, seed)
        train = Notes(held.tones["train"])
        validation, test = (Notes(held.tones[side], train.scale) for side in SIDES[1:])
        return Data(train, validation, test, held.digest, held.facts)

    def model(self, profile: Profile) -> nn.Module:
        """The second paper's widths at `full`."""
        return Ddsp(SHAPES[profile])

    def training(self, profile: Profile) -> Training:
        """Near convergence at `quick`: twice the steps lower `mss` by 5 % (seed 0, validation); `full` is not tuned."""
        if profile == "smoke":
            return Training(steps=30, batch=16, learning_rate=4e-3, checks=2)
        if profile == "quick":
            return Training(steps=900, batch=16, learning_rate=2e-3, checks=4)
        return Training(steps=20_000, batch=16, learning_rate=1e-3, checks=20)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Of :mod:`.losses`, the mean over the rows."""
        return spectral_loss(output, targets).mean()

    def evaluate(self, outputs: Tensor, split: Split) -> Evaluation:
        """The common metrics on generated against reference audio, and the net's own loss; an item is a note."""
        if not isinstance(split, Notes):
            raise TypeError("DDSP is scored on the task's own splits")
        return judge(self, outputs, split.audio, RATE, spectral_loss)

    def example(self, profile: Profile) -> Tensor:
        """One steady note of noise-like timbre, (1, frames, 32)."""
        count = round(SECONDS[profile] * RATE) // HOP
        steady = torch.tensor([220.0, -20.0]).expand(1, count, 2)
        colour = torch.randn((1, count, INPUTS - 2), generator=torch.Generator().manual_seed(0))
        return torch.cat([steady, colour], -1)

    def seconds(self, profile: Profile) -> float:
        """A note."""
        return SECONDS[profile]

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """An eighth of every note, from a random frame on: many notes a second of training."""
        count = batch.inputs.shape[1]
        length = max(SHORTEST, count // 8)
        first = torch.randint(count - length + 1, (len(batch.inputs), 1), generator=generator)
        kept = first + torch.arange(length)
        row = torch.arange(len(kept)).unsqueeze(1)
        blocks = batch.targets.unflatten(1, (count, HOP))
        return Batch(batch.inputs[row, kept], blocks[row, kept].flatten(1))

    def target_summary(self, targets: Tensor) -> Tensor:
        """How loud each note is, in dB: the mean of its samples would say nothing."""
        return 10 * (targets.double().square().mean(1) + 1e-10).log10()
