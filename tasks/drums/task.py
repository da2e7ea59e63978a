"""The drum task: what the harness asks of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.data import mdb_drums
from benchmark.data.soundfont import font
from benchmark.digest import digest_arrays, digest_json
from benchmark.errors import BenchError
from benchmark.task import Batch, Card, Data, DataSet, Evaluation, Metric, Profile, Split, Task, Training

from . import augment, mdb, midi_sets, recordings, rendered, score, sounds
from .clips import Clip
from .features import HOP_SECONDS, MELS, PATCH
from .model import PROTECTED, SHAPES, DrumNet
from .patches import Patches, statistics
from .picking import THRESHOLD, pick
from .score import Strokes

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
        """Pooled F1 of :mod:`.score` on the strokes of :mod:`.picking`; an item is one drum in one clip."""
        if not isinstance(split, Patches):
            raise TypeError("drums are scored on the task's own splits")
        return self.score(split, heard(outputs, split))

    def score(self, split: Patches, guess: Sequence[Strokes]) -> Evaluation:
        """Scores of strokes of every drum in every clip, whoever guessed them."""
        truth = [clip.strokes for clip in split.clips]
        items = {
            metric.id: score.score_items(truth, guess, tolerance)
            for metric, tolerance in zip(self.metrics, TOLERANCES, strict=True)
        }
        return Evaluation(self.scored(items), items)

    def example(self, profile: Profile) -> Tensor:
        """One patch of noise, (1, 1, 64, 15)."""
        return torch.randn((1, 1, MELS, PATCH), generator=torch.Generator().manual_seed(0))

    def seconds(self, profile: Profile) -> float:
        """A hop: every call answers for one new frame."""
        return HOP_SECONDS

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """In level, colour, pitch and noise: see :mod:`.augment`."""
        return augment.vary(batch, generator)


def heard(outputs: Tensor, split: Patches, threshold: float = THRESHOLD) -> list[list[np.ndarray]]:
    """Strokes of every drum in every clip, in seconds, that a model's outputs (rows, 3) say.

    Raises
    ------
    BenchError
        Outputs are not finite.
    """
    if not torch.isfinite(outputs).all():
        raise BenchError("the model's answers are not all finite: it diverged, train it with a lower learning rate")
    clips = torch.sigmoid(outputs.double()).cpu().numpy()
    return [[pick(drum, threshold) for drum in clip.T] for clip in np.split(clips, np.cumsum(split.frames)[:-1])]


def _rendered(profile: Profile, seed: int) -> Data:
    count = dict(zip(("train", "validation", "test"), CLIPS[profile], strict=True))
    order = [(seed + step) % sounds.FOLDS for step in range(sounds.FOLDS)]
    found = {fold: rendered.fold_clips(fold, max(count.values())) for fold in order}
    folds = {"train": order[2:], "validation": order[1:2], "test": order[:1]}
    used = {side: [clip for fold in here for clip in found[fold][0][: count[side]]] for side, here in folds.items()}
    about = {
        side: {
            "folds": here,
            "samples": [sounds.sample_names(sounds.SOUNDS[fold]) for fold in here],
            "audio": [found[fold][1] for fold in here],
        }
        for side, here in folds.items()
    }
    facts = {
        "font": font().digest,
        "licence": Drums.datasets[0].licence,
        "generator": rendered.generator(),
        "missing": [],
    }
    return _data(used, about, facts)


def _recorded(name: str, home: Path | None, profile: Profile, seed: int) -> Data:
    data = next(data for data in Drums.datasets if data.name == name)
    sides = mdb.load(home, seed) if data is mdb_drums.DATA else midi_sets.load(data, home, profile)
    used = {side: [recording.clip for recording in here] for side, here in sides.used.items()}
    about = {
        side: {"recordings": [r.name for r in here], "audio": [r.digest for r in here]}
        for side, here in sides.used.items()
    }
    facts = {
        "licence": data.licence,
        "generator": recordings.generator(mdb_drums, mdb, midi_sets),
        "missing": list(sides.missing),
    }
    return _data(used, about, facts)


def _data(
    used: Mapping[str, Sequence[Clip]], about: Mapping[str, Mapping[str, object]], facts: Mapping[str, object]
) -> Data:
    """Splits of the clips, digested by what they were made from: the last bits of features differ by processor."""
    mean, deviation = statistics(used["train"])
    splits = {side: Patches(clips, mean, deviation) for side, clips in used.items()}
    content = {
        side: [about[side]["audio"], digest_arrays([splits[side].sources, *(t for c in clips for t in c.strokes)])]
        for side, clips in used.items()
    }
    described = {side: {**about[side], **_describe(clips)} for side, clips in used.items()}
    return Data(
        **splits,
        digest=digest_json({"generator": facts["generator"], "content": content}),
        manifest={**facts, "features": {"mean": mean, "deviation": deviation}, "splits": described},
    )


def _describe(clips: Sequence[Clip]) -> dict[str, object]:
    counts = {name: sum(len(c.strokes[drum]) for c in clips) for drum, name in enumerate(sounds.DRUM_NAMES)}
    return {
        "clips": len(clips),
        "rows": sum(len(clip.features) for clip in clips),
        "sources": len({clip.source for clip in clips}),
        "strokes": counts,
    }
