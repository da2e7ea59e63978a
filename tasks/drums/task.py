"""The drum task: what the harness asks of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmark.audio import windows
from benchmark.audio.events import Events, score_items
from benchmark.audio.peaks import heard
from benchmark.audio.windows import Windows
from benchmark.data import clips, excerpts, logmel, mdb_drums
from benchmark.data.cache import generator_digest
from benchmark.data.soundfont import font
from benchmark.task import Batch, Card, Data, DataSet, Evaluation, Metric, Profile, Split, Task, Training

from . import features, mdb, midi_sets, recordings, rendered, sounds
from .features import MEL
from .model import PROTECTED, SHAPES, DrumNet
from .rows import LAYOUT, PEAKS, VARIATION

CLIPS = {"smoke": (4, 4, 4), "quick": (120, 36, 120), "full": (600, 60, 240)}
"""Rendered clips of a fold in training, validation and test."""
TOLERANCES = (0.05, 0.02)


class Drums(Task):
    """Kick, snare and hi-hat from patches of a mel spectrogram."""

    card = Card(
        title="Drum transcription, 3 drums",
        source="Esling, Bitton, Chemla-Romeu-Santos, Devis: Ultra-light deep MIR by trimming lottery tickets, ISMIR "
        "2020 (network: github.com/acids-ircam/lottery_mir); scores: Raffel et al., mir_eval, ISMIR 2014; recordings: "
        "Southall, Wu, Lerch, Hockman: MDB Drums, ISMIR 2017 late-breaking; Gillick et al.: Groove MIDI, ICML 2019; "
        "Manilow et al.: Slakh, WASPAA 2019",
        licence="MIT",
        notes="Rendered loops share no drum kit, no sample of one and no bar between splits. Seven of eight clips are "
        "played on a synthetic kit that no other clip has, the eighth on the fold's kit of the font: an interval over "
        "kits speaks of other kits of these models, not of all drums; see the scores on another font and on MDB Drums, "
        "which is tested by song, drums alone. Slakh's and Groove MIDI's recordings are cut to 20 s.",
    )
    version = 1
    metrics = tuple(Metric(f"drums.f1_{round(1000 * t)}ms.pooled.v1", "pooled_f1") for t in TOLERANCES)
    datasets = (
        DataSet(
            "rendered",
            "drum loops on synthetic kits and on those of a sound font",
            "the font is GPL-2 and is read from the installed pretty_midi package; nothing is redistributed",
            needs_home=False,
        ),
        mdb_drums.DATA,
        midi_sets.GROOVE,
        midi_sets.SLAKH,
        midi_sets.BABYSLAKH,
    )
    protected = PROTECTED

    def data(self, name: str, home: Path | None, profile: Profile, seed: int) -> Data:
        """Rendered: fold `seed` tests, the next validates, the others train. MDB Drums: see :mod:`.mdb`.

        The others have one split for all seeds, the official one.
        """
        return _rendered(profile, seed) if name == "rendered" else _recorded(name, home, profile, seed)

    def model(self, profile: Profile) -> nn.Module:
        """The authors' net for one frame at a time."""
        return DrumNet(SHAPES[profile])

    def training(self, profile: Profile) -> Training:
        """Converged at `quick`: with twice the steps seed 0 gains 0.0 points on validation and 1.0 on the test set."""
        if profile == "smoke":
            return Training(steps=60, batch=64, learning_rate=4e-3, checks=2)
        if profile == "quick":
            return Training(steps=1000, batch=64, learning_rate=4e-3, checks=2)
        return Training(steps=12000, batch=128, learning_rate=2e-3, checks=20)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Binary cross-entropy, drums alike and unweighted, so that outputs are what targets are to be expected."""
        return nn.functional.binary_cross_entropy_with_logits(output, targets)

    def evaluate(self, outputs: Tensor, split: Split) -> Evaluation:
        """Pooled F1 of :mod:`benchmark.audio.events` on the peaks of :mod:`.rows`; an item is one drum in one clip."""
        if not isinstance(split, Windows):
            raise TypeError("drums are scored on the task's own splits")
        return self.score(split, heard(outputs, split, PEAKS))

    def score(self, split: Windows, guess: Sequence[Events]) -> Evaluation:
        """Scores of strokes of every drum in every clip, whoever guessed them."""
        truth = [clip.events for clip in split.clips]
        items = {
            metric.id: score_items(truth, guess, tolerance)
            for metric, tolerance in zip(self.metrics, TOLERANCES, strict=True)
        }
        return Evaluation(self.scored(items), items)

    def example(self, profile: Profile) -> Tensor:
        """One patch of noise, (1, 1, 64, 15)."""
        return torch.randn((1, 1, MEL.bands, LAYOUT.seen), generator=torch.Generator().manual_seed(0))

    def seconds(self, profile: Profile) -> float:
        """A hop: every call answers for one new frame."""
        return MEL.hop_seconds

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """In level, colour, pitch and noise."""
        return VARIATION.of(batch, generator)

    def target_summary(self, targets: Tensor) -> Tensor:
        """Which drums are struck in the row, as one of eight classes: kick counts 1, snare 2, hi-hat 4."""
        return (targets > 0).long() @ (2 ** torch.arange(targets.shape[1], device=targets.device))


def _rendered(profile: Profile, seed: int) -> Data:
    dealt = clips.dealt(seed, sounds.FOLDS, CLIPS[profile], rendered.fold_clips)
    about = {
        side: {
            "folds": here,
            "samples": [sounds.sample_names(sounds.SOUNDS[fold]) for fold in here],
            "audio": dealt.audio[side],
        }
        for side, here in dealt.folds.items()
    }
    facts = {
        "font": font().digest,
        "licence": Drums.datasets[0].licence,
        "generator": rendered.generator(),
        "missing": [],
    }
    return windows.data(dealt.clips, about, facts, LAYOUT)


def _recorded(name: str, home: Path | None, profile: Profile, seed: int) -> Data:
    data = next(data for data in Drums.datasets if data.name == name)
    sides = mdb.load(home, seed) if data is mdb_drums.DATA else midi_sets.load(data, home, profile)
    facts = {
        "licence": data.licence,
        "generator": generator_digest(excerpts, logmel, features, recordings, mdb_drums, mdb, midi_sets),
        "missing": list(sides.missing),
    }
    return windows.data(sides.clips(), sides.about(), facts, LAYOUT)
