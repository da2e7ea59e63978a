"""The onset task: what the harness asks of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.data.soundfont import font
from benchmark.data.splits import SIDES, Side
from benchmark.digest import digest_arrays, digest_json
from benchmark.task import Batch, Card, Data, DataSet, Evaluation, Metric, Profile, Split, Task, Training

from . import augment, libraries, recorded, rendered, score, sounds
from .clips import Clip
from .features import HOP_SECONDS, MELS
from .model import ANSWERS, SEEN, SHAPES, OnsetNet
from .picking import THRESHOLD, pick
from .segments import Segments, statistics

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
        """Pooled F1 of :mod:`.score` on the onsets of :mod:`.picking`; an item is a clip."""
        if not isinstance(split, Segments):
            raise TypeError("onsets are scored on the task's own splits")
        return self.score(split, heard(outputs, split))

    def score(self, split: Segments, guess: Sequence[np.ndarray]) -> Evaluation:
        """Scores of onsets in every clip, whoever guessed them."""
        truth = [clip.onsets for clip in split.clips]
        items = {
            metric.id: score.score_items(truth, guess, tolerance)
            for metric, tolerance in zip(self.metrics, TOLERANCES, strict=True)
        }
        scores = self.scored(items)
        for metric in self.metrics:
            precision, recall = score.precision_recall(items[metric.id])
            scores[metric.id.replace("f1", "precision")] = precision
            scores[metric.id.replace("f1", "recall")] = recall
        return Evaluation(scores, items)

    def example(self, profile: Profile) -> Tensor:
        """One segment of noise, (1, 1, 64, 51)."""
        return torch.randn((1, 1, MELS, SEEN), generator=torch.Generator().manual_seed(0))

    def seconds(self, profile: Profile) -> float:
        """A segment: every call answers for 25 new frames."""
        return ANSWERS * HOP_SECONDS

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """In level, colour, pitch and noise: see :mod:`.augment`."""
        return augment.vary(batch, generator)


def heard(outputs: Tensor, split: Segments, threshold: float = THRESHOLD) -> list[np.ndarray]:
    """Onsets of every clip from logits (rows, 25)."""
    return [pick(clip.cpu().numpy(), threshold) for clip in split.by_clip(torch.sigmoid(outputs.double()))]


def _rendered(profile: Profile, seed: int) -> Data:
    count = dict(zip(SIDES, CLIPS[profile], strict=True))
    order = [(seed + step) % sounds.FOLDS for step in range(sounds.FOLDS)]
    found = {fold: rendered.fold_clips(fold, max(count.values())) for fold in order}
    folds: dict[Side, list[int]] = {"train": order[2:], "validation": order[1:2], "test": order[:1]}
    used = {side: [clip for fold in here for clip in found[fold][0][: count[side]]] for side, here in folds.items()}
    dealt = sounds.folds(font())
    about = {
        side: {
            "folds": here,
            "presets": [list(source.presets) for fold in here for source in dealt[fold] if source.presets],
            "drums": [list(map(list, source.drums)) for fold in here for source in dealt[fold] if source.drums],
            "audio": [found[fold][1] for fold in here],
        }
        for side, here in folds.items()
    }
    facts = {
        "font": font().digest,
        "licence": Onsets.datasets[0].licence,
        "generator": rendered.generator(),
        "missing": [],
    }
    return _data(used, about, facts)


def _recorded(name: str, home: Path | None, seed: int) -> Data:
    found = recorded.load(name, home, seed)
    used = {side: list(clips.values()) for side, clips in found.clips.items()}
    about = {
        side: {
            "recordings": list(clips),
            "source names": sorted({found.recordings[item].source for item in clips}),
            "audio": [found.digests[item] for item in clips],
        }
        for side, clips in found.clips.items()
    }
    facts = {
        "licence": libraries.SETS[name].data.licence,
        "generator": recorded.generator(),
        "missing": list(found.missing),
    }
    return _data(used, about, facts)


def _data(
    used: Mapping[Side, Sequence[Clip]], about: Mapping[Side, Mapping[str, object]], facts: Mapping[str, object]
) -> Data:
    """Splits of the clips, digested by what they were made from: the last bits of features differ by processor."""
    mean, deviation = statistics(used["train"])
    splits = {side: Segments(clips, mean, deviation) for side, clips in used.items()}
    content = {
        side: [about[side]["audio"], digest_arrays([splits[side].sources, *(clip.onsets for clip in clips)])]
        for side, clips in used.items()
    }
    described = {side: {**about[side], **_describe(clips, len(splits[side]))} for side, clips in used.items()}
    return Data(
        splits["train"],
        splits["validation"],
        splits["test"],
        digest=digest_json({"generator": facts["generator"], "content": content}),
        manifest={**facts, "features": {"mean": mean, "deviation": deviation}, "splits": described},
    )


def _describe(clips: Sequence[Clip], rows: int) -> dict[str, object]:
    return {
        "clips": len(clips),
        "rows": rows,
        "seconds": round(sum(len(clip.features) for clip in clips) * HOP_SECONDS),
        "sources": len({clip.source for clip in clips}),
        "onsets": sum(len(clip.onsets) for clip in clips),
    }
