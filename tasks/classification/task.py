"""The classification task: what the harness asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.errors import UsageError, did_you_mean
from benchmark.task import Batch, Card, Data, Evaluation, Metric, Profile, Split, Task, Training

from .clips import Clips
from .features import FRAMES, HOP, MELS, RATE
from .model import WIDTHS, LogMelNet
from .sets import SETS, Set

NOTES = (
    "instruments and singing are made at run time and need no download. "
    "instruments: notes of 13 orchestral instruments from the font of the installed pretty_midi package; a source "
    "is a recorded sample of the font (129), and three seeds test each once. The font's viola plays the violin's "
    "samples, so the cor anglais takes its place. A seed tests one cello and one double bass: read the mean of three "
    "seeds, and see instruments_two_fonts, which adds 192 samples of FluidR3 where that font is installed. The "
    "reference command then scores the nets of the default font on FluidR3. "
    "singing: ten techniques by 450 synthetic singers, glottal pulses through a vocal tract; a source is a singer, and "
    "three seeds test each once. It is no real voice: what holds here holds for VocalSet only if shown there. "
    "philharmonia: sustained notes, one player an instrument, so a split by note measures new notes, not new players; "
    "seeds 0, 1, 2 have disjoint test notes and the same validation notes; a recording that is there under two names "
    "(French horn E2, oboe E6) is not used. "
    "medley_solos_db, tinysol, irmas, nsynth: official splits, made free of sources on two sides; vocalset: by singer, "
    "our own list. "
    "The net hears log-mel patches and is not the authors' WaveformCNN: their kernel is not known, and the "
    "defaults of their code (8, 5) give a stride of 0. With a kernel of 64 theirs has 0.80 M parameters; the two have "
    "not been compared. `full` has not been tuned. "
    "A class that a split does not have counts only where it is guessed, as in scikit-learn."
)


class Classification(Task):
    """What plays, or how a voice is used, in a clip: one of the classes of a data set."""

    card = Card(
        title="Instrument and singing-technique classification",
        source="P. Esling et al., Ultra-light deep MIR by trimming lottery tickets, ISMIR 2020 (the tasks); "
        "D. S. Park et al., SpecAugment, Interspeech 2019 (the masks)",
        licence="MIT",
        notes=NOTES,
    )
    version = 1
    metrics = (Metric("classification.macro_f1.v1", "macro_f1"), Metric("classification.accuracy.v1", "ratio"))
    datasets = tuple(one.dataset for one in SETS.values())
    protected = ("classes",)

    def __init__(self, of: Set) -> None:
        self._set = of

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names, by number."""
        return self._set.classes

    def on(self, data: str) -> Classification:
        """The task with the classes and the training of that data set.

        Raises
        ------
        UsageError
            No data set has the name.
        """
        if data not in SETS:
            raise UsageError(f"no data set {data!r} for classification: {did_you_mean(data, SETS)}")
        return Classification(SETS[data])

    def data(self, name: str, home: Path | None, profile: Profile, seed: int) -> Data:
        """The splits; no source is on two sides."""
        return self.on(name)._set.load(home, profile, seed)

    def model(self, profile: Profile) -> nn.Module:
        """Five convolutions, two dense layers; 1.37 M parameters at `quick`."""
        return LogMelNet(WIDTHS[profile], len(self.classes))

    def training(self, profile: Profile) -> Training:
        """One recipe, as many steps as the data set needs."""
        return self._set.training(profile)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy with labels smoothed by 0.05."""
        return nn.functional.cross_entropy(output, targets, label_smoothing=0.05)

    def evaluate(self, outputs: Tensor, split: Split) -> Evaluation:
        """Macro-F1 and accuracy of the largest mean logit; an item is a clip.

        A class that a split does not have is left out of the macro-F1, unless it was guessed: then its F1 is 0, as in
        scikit-learn.

        Raises
        ------
        ValueError
            An output is not a number.
        """
        if not isinstance(split, Clips):
            raise TypeError("clips are scored on the task's own splits")
        if outputs.isnan().any():
            raise ValueError("outputs hold values that are not numbers: they choose no class")
        truth = split.labels.astype(np.uint8)
        guess = split.by_clip(outputs).argmax(1).numpy().astype(np.uint8)
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
        """A patch."""
        return FRAMES * HOP / RATE

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """As the data set asks for: see :mod:`.augment`."""
        return self._set.vary(batch, generator)


task = Classification(next(iter(SETS.values())))
