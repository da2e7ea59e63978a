"""The chord task: what the harness asks of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.data.soundfont import font
from benchmark.digest import digest_arrays, digest_json
from benchmark.task import Batch, Card, Data, DataSet, Evaluation, Metric, Profile, Split, Task, Training

from . import augment, real, recordings, sounds
from .harmony import CLASS_LABELS, FAMILIES, OUT
from .model import BINS, FRAMES, SHAPES, ChordNet
from .patches import ChordSplit, Patches, statistics, usable
from .piece import HOP_SECONDS
from .recordings import Clips
from .sets import SETS

CLIPS = {"smoke": (6, 6), "quick": (120, 120), "full": (500, 120)}
"""Clips of a fold in training, and in validation and test."""
VALIDATION_STRIDE = 6
"""Validation is scored many times a fit: every sixth frame is enough to choose a check."""


class Chords(Task):
    """Major and minor chords from patches of a constant-Q transform."""

    card = Card(
        title="Chord recognition, 25 classes",
        source="Esling, Bitton, Chemla-Romeu-Santos, Devis: Ultra-light deep MIR by trimming lottery tickets, ISMIR "
        "2020 (network: github.com/acids-ircam/lottery_mir); scores: Raffel et al., mir_eval, ISMIR 2014",
        licence="MIT",
        notes="Rendered at run time from the sound font of the installed pretty_midi package (GPL-2); rendered audio "
        "is not redistributed. Splits share no sample and no family of progressions. Recordings: splits share no "
        "player and no lead sheet (GuitarSet, where an interval over lead sheets says nothing of other players), no "
        "album (Beatles), no song (Queen), no artist and no title (Billboard); long songs by their middle minute at "
        "`quick`. A frame has the label at its middle, so changes of chord are up to 46 ms off.",
    )
    version = 1
    metrics = tuple(
        Metric(f"chords.{name}.v1", "ratio")
        for name in (
            "majmin.wcsr", "root.wcsr", "thirds.wcsr", "mirex.wcsr", "seg", "overseg", "underseg", "coverage",
        )
    )  # fmt: skip
    datasets = (
        DataSet(
            "rendered",
            "progressions rendered from a sound font",
            "the font is GPL-2 and is read from the installed pretty_midi package; nothing is redistributed",
            needs_home=False,
        ),
        *(recorded.data for recorded in SETS.values()),
    )
    protected = ("classes",)

    def data(self, name: str, home: Path | None, profile: Profile, seed: int) -> Data:
        """Rendered: fold `seed` tests, the next one validates, the others train. Recorded: see :mod:`.real`."""
        if name != "rendered":
            return real.load(name, home, profile, seed)
        train_clips, held_out = CLIPS[profile]
        order = [(seed + step) % sounds.FOLDS for step in range(sounds.FOLDS)]
        parts = {fold: recordings.clips(fold, train_clips) for fold in order}
        test, validation = (parts[fold].first(held_out) for fold in order[:2])
        train = [parts[fold] for fold in order[2:]]
        mean, deviation = statistics(train)
        splits = {
            "train": Patches(train, mean, deviation),
            "validation": Patches([validation], mean, deviation, VALIDATION_STRIDE),
            "test": Patches([test], mean, deviation),
        }
        used = {"train": train, "validation": [validation], "test": [test]}
        # Not the features: their last bits differ between processors, those of the audio do not.
        content = {
            side: [[c.audio_digest for c in used[side]], digest_arrays([split.codes, split.sources])]
            for side, split in splits.items()
        }
        digest = digest_json({"generator": recordings.generator(), "content": content})
        manifest = {
            "font": font().digest,
            "licence": self.datasets[0].licence,
            "generator": recordings.generator(),
            "features": {"mean": mean, "deviation": deviation},
            "splits": {
                side: describe(used[side], splits[side], folds)
                for side, folds in zip(splits, (order[2:], order[1:2], order[:1]), strict=True)
            },
        }
        return Data(**splits, digest=digest, manifest=manifest)

    def model(self, profile: Profile) -> nn.Module:
        """The authors' net; `quick` has narrower convolutions, a wider dense layer and 431,049 parameters."""
        return ChordNet(SHAPES[profile])

    def training(self, profile: Profile) -> Training:
        """Converged at `quick`: what twice the steps give is the control `dense+` on the leaderboard."""
        if profile == "smoke":
            return Training(steps=60, batch=32, learning_rate=4e-3, checks=2)
        if profile == "quick":
            return Training(steps=1600, batch=64, learning_rate=4e-3, checks=8)
        return Training(steps=6000, batch=64, learning_rate=2e-3, checks=20)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy with labels smoothed by 0.05; rows with a chord outside of the classes have no part in it."""
        return nn.functional.cross_entropy(output, targets, ignore_index=OUT, label_smoothing=0.05)

    def evaluate(self, outputs: Tensor, split: Split) -> Evaluation:
        """Scores of :mod:`.score`; an item is a clip or a song, parts and wholes are seconds."""
        if not isinstance(split, ChordSplit):
            raise TypeError("chords are scored on the task's own splits")
        scored = split.score(outputs.argmax(1).cpu().numpy())
        items = {metric.id: scored[metric.id.split(".")[1]] for metric in self.metrics}
        return Evaluation(self.scored(items), items)

    def example(self, profile: Profile) -> Tensor:
        """One patch of noise, (1, 1, 105, 15)."""
        return torch.randn((1, 1, BINS, FRAMES), generator=torch.Generator().manual_seed(0))

    def seconds(self, profile: Profile) -> float:
        """A hop: every call labels one new frame."""
        return HOP_SECONDS

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Transposed, in level, in colour and in noise: see :mod:`.augment`."""
        return augment.vary(batch, generator)

    def rows(self, split: Split) -> list[int] | None:
        """Rows whose chord is one of the classes."""
        return usable(split) if isinstance(split, ChordSplit) else None


def describe(clips: list[Clips], split: Patches, folds: list[int]) -> dict[str, object]:
    """What a split holds, JSON-ready."""
    here = [sounds.folds(font())[fold] for fold in folds]
    numbers = np.concatenate([c.families for c in clips]).tolist()
    return {
        "folds": folds,
        "clips": len(split.sources),
        "rows": len(split),
        "usable_rows": len(usable(split)),
        "sources": len(np.unique(split.sources)),
        "presets": [list(presets) for fold in here for presets in fold.sources],
        "bass": [preset for fold in here for preset in fold.bass],
        "drums": [list(drum) for fold in here for drum in fold.drums],
        "families": dict(sorted(Counter(FAMILIES[n].name for n in numbers).items())),
        "classes": {
            (CLASS_LABELS[c] if c >= 0 else "other"): n for c, n in sorted(Counter(split.targets.tolist()).items())
        },
        "audio": [c.audio_digest for c in clips],
    }
