"""The onset task: what the harness asks of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmark.audio import windows
from benchmark.audio.events import Events, precision_recall, score_items
from benchmark.audio.peaks import heard
from benchmark.audio.windows import Windows
from benchmark.data import clips
from benchmark.data.soundfont import font
from benchmark.task import Batch, Card, Data, DataSet, Evaluation, Metric, Profile, Split, Task, Training

from . import libraries, recorded, rendered, sounds
from .features import MEL
from .model import ANSWERS, SHAPES, OnsetNet
from .rows import LAYOUT, PEAKS, VARIATION

CLIPS = {"smoke": (6, 6, 6), "quick": (135, 60, 120), "full": (600, 120, 240)}
"""Rendered clips of a fold in training, validation and test."""
TOLERANCES = (0.05, 0.025)


class Onsets(Task):
    """Onsets of notes and strokes, whatever plays them."""

    card = Card(
        title="Onset detection",
        source="Esling, Bitton, Chemla-Romeu-Santos, Devis: Ultra-light deep MIR by trimming lottery tickets, ISMIR "
        "2020 (network: github.com/acids-ircam/lottery_mir); Schlueter, Boeck: Improved musical onset detection with "
        "convolutional neural networks, ICASSP 2014; scores: Raffel et al., mir_eval, ISMIR 2014; recordings: "
        "Southall, Wu, Lerch, Hockman: MDB Drums, ISMIR 2017 late-breaking; Xi, Bittner, Pauwels, Ye, Bello: "
        "GuitarSet, ISMIR 2018; Hawthorne et al.: MAESTRO, ICLR 2019; Rohit, Bhattacharjee, Rao: Four-way tabla, "
        "ISMIR 2021",
        licence="MIT",
        notes="Default data are rendered at run time from the sound font of the installed pretty_midi package (GPL-2); "
        "rendered audio is not redistributed. Splits share no sample of the font, no song, no player of guitars and no "
        "composition; onsets within 30 ms count as one.",
    )
    version = 1
    metrics = tuple(Metric(f"onsets.f1_{round(1000 * t)}ms.micro.v1", "pooled_f1") for t in TOLERANCES)
    datasets = (
        DataSet(
            "rendered",
            "mixes of notes and strokes rendered from a sound font",
            "the font is GPL-2 and is read from the installed pretty_midi package; nothing is redistributed",
            needs_home=False,
        ),
        *(one.data for one in libraries.SETS.values()),
    )
    protected = ("onset",)

    def data(self, name: str, home: Path | None, profile: Profile, seed: int) -> Data:
        """Rendered: fold `seed` tests, the next validates, the others train. Recorded: see :mod:`.recorded`."""
        return _rendered(profile, seed) if name == "rendered" else _recorded(name, home, seed)

    def model(self, profile: Profile) -> nn.Module:
        """The authors' net, sliding over time."""
        return OnsetNet(SHAPES[profile])

    def training(self, profile: Profile) -> Training:
        """Rows are drawn from all segments.

        At `quick`, seed 0, twice the steps give 0.5 points of test F1 on the rendered clips; `full` has not been tuned.
        """
        if profile == "smoke":
            return Training(steps=80, batch=16, learning_rate=4e-3, checks=2)
        if profile == "quick":
            return Training(steps=1500, batch=8, learning_rate=3e-3, checks=4)
        return Training(steps=12_000, batch=32, learning_rate=2e-3, checks=20)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Binary cross-entropy, unweighted, so that outputs are probabilities."""
        return nn.functional.binary_cross_entropy_with_logits(output, targets)

    def evaluate(self, outputs: Tensor, split: Split) -> Evaluation:
        """Pooled F1 of :mod:`benchmark.audio.events` on the peaks of :mod:`.rows`; an item is a clip."""
        if not isinstance(split, Windows):
            raise TypeError("onsets are scored on the task's own splits")
        return self.score(split, heard(outputs, split, PEAKS))

    def score(self, split: Windows, guess: Sequence[Events]) -> Evaluation:
        """Scores of onsets in every clip, whoever guessed them."""
        truth = [clip.events for clip in split.clips]
        items = {
            metric.id: score_items(truth, guess, tolerance)
            for metric, tolerance in zip(self.metrics, TOLERANCES, strict=True)
        }
        scores = self.scored(items)
        for metric in self.metrics:
            precision, recall = precision_recall(items[metric.id])
            scores[metric.id.replace("f1", "precision")] = precision
            scores[metric.id.replace("f1", "recall")] = recall
        return Evaluation(scores, items)

    def example(self, profile: Profile) -> Tensor:
        """One segment of noise, (1, 1, 64, 51)."""
        return torch.randn((1, 1, MEL.bands, LAYOUT.seen), generator=torch.Generator().manual_seed(0))

    def seconds(self, profile: Profile) -> float:
        """A segment: every call answers for 25 new frames."""
        return ANSWERS * MEL.hop_seconds

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """In level, colour, pitch and noise."""
        return VARIATION.of(batch, generator)


def _rendered(profile: Profile, seed: int) -> Data:
    dealt = clips.dealt(seed, sounds.FOLDS, CLIPS[profile], rendered.fold_clips)
    folds = sounds.folds(font())
    about = {
        side: {
            "folds": here,
            "presets": [list(source.presets) for fold in here for source in folds[fold] if source.presets],
            "drums": [list(map(list, source.drums)) for fold in here for source in folds[fold] if source.drums],
            "audio": dealt.audio[side],
        }
        for side, here in dealt.folds.items()
    }
    facts = {
        "font": font().digest,
        "licence": Onsets.datasets[0].licence,
        "generator": rendered.generator(),
        "missing": [],
    }
    return windows.data(dealt.clips, about, facts, LAYOUT)


def _recorded(name: str, home: Path | None, seed: int) -> Data:
    known = libraries.SETS[name]
    sides = recorded.load(name, known.recordings(home, seed))
    facts = {"licence": known.data.licence, "generator": recorded.generator(), "missing": list(sides.missing)}
    return windows.data(sides.clips(), sides.about(), facts, LAYOUT)
