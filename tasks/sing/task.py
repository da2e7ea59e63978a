"""The SING task: what the harness asks of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmark.audio import scores
from benchmark.audio.judging import judge
from benchmark.data import single_notes
from benchmark.data.single_notes import RENDERED, SECONDS
from benchmark.data.splits import SIDES
from benchmark.digest import digest_json
from benchmark.errors import UsageError, did_you_mean
from benchmark.task import Batch, Card, Data, Evaluation, Metric, Profile, Split, Task, Training

from .heard import Heard
from .layers import HOP, RATE
from .losses import spectral_loss
from .notes import Notes
from .told import Told
from .way import Way

SYMBOLS = "symbols"


class SingTask(Task):
    """Notes from what a net hears of them or, on `symbols`, is told of them."""

    card = Card(
        title="SING: notes frame by frame with large steps",
        source="Esling, Devis, Bitton, Caillon, Chemla-Romeu-Santos, Douwes: Diet deep generative audio models with "
        "structured lottery, DAFx 2020; network and loss: Défossez, Zeghidour, Usunier, Bottou, Bach: SING, "
        "symbol-to-instrument neural generator, NeurIPS 2018; notes in the manner of NSynth: Engel et al., ICML 2017",
        licence="MIT",
        notes="Rendered at run time from the sound font of the installed pretty_midi package (GPL-2); rendered audio "
        "is not redistributed. Test notes have sounds and pitches that training has not. The net is the auto-encoder "
        "that the DAFx paper trimmed: it hears the note that it is to give. On the data set `symbols` it is the LSTM "
        "generator of the NeurIPS paper, whose tables of instruments, pitches and times have no row for what was held "
        "out: so it is told the timbre of the note, its pitch as a number, and how far its partials have turned. Both "
        "begin with sines as filters, since the loss does not hear phase and minutes are short.",
    )
    version = 1
    metrics = (*scores.metrics("sing"), Metric("sing.loss.v1", "ratio", higher_is_better=False))
    datasets = (
        *single_notes.DATASETS,
        replace(RENDERED, name=SYMBOLS, title="the rendered notes, told by pitch, velocity, timbre and time"),
    )
    protected = ("decoder.sound",)

    def __init__(self, way: Way | None = None) -> None:
        self.way = way or Heard()

    def on(self, data: str) -> SingTask:
        """The auto-encoder; on `symbols` the generator.

        Raises
        ------
        UsageError
            No data set has the name.
        """
        names = [of.name for of in self.datasets]
        if data not in names:
            raise UsageError(f"no data set {data!r} for sing: {did_you_mean(data, names)}")
        return SingTask(Told() if data == SYMBOLS else Heard())

    def data(self, name: str, home: Path | None, profile: Profile, seed: int) -> Data:
        """Fold `seed` of the sources tests, on the keys of fold `seed`; see :mod:`benchmark.data.tones`."""
        held = single_notes.load(RENDERED.name if name == SYMBOLS else name, home, profile, seed)
        way = self.on(name).way
        train = way.split(held.tones["train"], None)
        validation, test = (way.split(held.tones[side], train) for side in SIDES[1:])
        digest = digest_json([held.digest, name]) if name == SYMBOLS else held.digest
        return Data(train, validation, test, digest, held.facts)

    def model(self, profile: Profile) -> nn.Module:
        """Half as wide at `full` as the papers say, as wide as the DAFx paper's code."""
        return self.way.model(profile)

    def training(self, profile: Profile) -> Training:
        """Of the net that it is."""
        return self.way.training(profile)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Of :mod:`.losses`, the mean over the rows."""
        return spectral_loss(output, targets).mean()

    def evaluate(self, outputs: Tensor, split: Split) -> Evaluation:
        """The common metrics on generated against reference audio, and the net's own loss; an item is a note."""
        if not isinstance(split, Notes):
            raise TypeError("SING is scored on the task's own splits")
        return judge(self, outputs, split.audio, RATE, spectral_loss)

    def example(self, profile: Profile) -> Tensor:
        """Noise to hear, or a note that is told."""
        return self.way.example(samples(profile))

    def seconds(self, profile: Profile) -> float:
        """A note, without the rest that is shorter than a hop."""
        return samples(profile) / RATE

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Half of each note at another speed and level."""
        return self.way.varied(batch, generator)

    def target_summary(self, targets: Tensor) -> Tensor:
        """How loud each note is, in dB: the mean of its samples would say nothing."""
        return 10 * (targets.double().square().mean(1) + 1e-10).log10()


def samples(profile: Profile) -> int:
    """Of a note."""
    return round(SECONDS[profile] * RATE) // HOP * HOP
