"""The pitch task: data, model, training and scores as the harness asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.data.philharmonia import DATA
from benchmark.data.soundfont import font
from benchmark.digest import digest_json
from benchmark.task import Batch, Card, Data, DataSet, Evaluation, Metric, Profile, Split, Task, Training

from . import frames, philharmonia, real, recordings, sounds
from .follow import followed
from .frames import Frames
from .model import FRAME, RATE, SHAPES, Crepe
from .recordings import HOP, Clips
from .scale import blurred, decode
from .score import score_items

CLIPS = {"smoke": (12, 12, 12), "quick": (192, 72, 72), "full": (768, 72, 72)}
"""Rendered clips of a fold in training, validation and test."""
TAKES = {"smoke": 1, "quick": 2, "full": None}
"""Recordings that are used of a note of the Philharmonia; None: all."""
HELD_OUT = {"rendered": (sounds.FOLDS, 3), "philharmonia": (len(philharmonia.FOLDS), 2)}
"""How many folds there are, and how many of them test."""
STRIDES = {"smoke": 16, "quick": 2, "full": 1}
"""Hops of 10 ms between the frames of training; neighbours are nearly the same frame."""
APART = 8
"""Hops between the frames of validation and test: 80 ms, for which :mod:`.follow` is made, and no sample is in two."""


class Pitch(Task):
    """Fundamental frequency from 1,024 samples of audio."""

    card = Card(
        title="Pitch of one voice, 360 bins of 20 cents",
        source="Esling, Bitton, Chemla-Romeu-Santos, Devis: Ultra-light deep MIR by trimming lottery tickets, ISMIR "
        "2020 (the task); Kim, Salamon, Li, Bello: CREPE, ICASSP 2018 (network, targets); Raffel et al., mir_eval, "
        "ISMIR 2014 (scores); Bittner et al.: vocadito, 2021; Salamon et al.: MDB-stem-synth, ISMIR 2017; Bittner et "
        "al.: MedleyDB, ISMIR 2014; Philharmonia Orchestra sound samples",
        licence="MIT",
        notes="Default data are rendered at run time from the sound font of the installed pretty_midi package (GPL-2); "
        "rendered audio is not redistributed. Splits share no sample of the font, no player, no singer, no artist and "
        "no instrument of the Philharmonia, of which each has one player. Validation and test score a frame every 80 "
        "ms; the pitch is followed over the frames of a clip by a hidden Markov model, the same for every net.",
    )
    version = 1
    metrics = (
        *(Metric(f"pitch.{name}.v1", "ratio") for name in ("rpa50", "rca50", "oa50", "rpa25", "vr")),
        Metric("pitch.vfa.v1", "ratio", higher_is_better=False),
    )
    datasets = (
        DataSet(
            "rendered",
            "melodies rendered from a sound font, pitch exact by construction",
            "the font is GPL-2 and is read from the installed pretty_midi package; nothing is redistributed",
            needs_home=False,
        ),
        DATA,
        *(one.data for one in real.SETS.values()),
    )
    protected = ("pitch",)

    def data(self, name: str, home: Path | None, profile: Profile, seed: int) -> Data:
        """The first folds test, the next one validates, the others train; a seed says which fold is the first.

        Seeds in a row have disjoint test folds, as many as there are.
        """
        order, tests = rotated(name, seed)
        if name == "rendered":
            parts, facts = _rendered(order, tests, profile)
        elif name == "philharmonia":
            parts, facts = philharmonia.load(home, order, TAKES[profile])
        else:
            parts, facts = real.load(name, home, order)
        sides = {"train": slice(tests + 1, None), "validation": slice(tests, tests + 1), "test": slice(0, tests)}
        strides = {"train": STRIDES[profile], "validation": APART, "test": APART}
        splits = {side: Frames(parts[folds], strides[side]) for side, folds in sides.items()}
        content = {side: [strides[side], [c.digest() for c in parts[folds]]] for side, folds in sides.items()}
        manifest = {
            "licence": next(dataset.licence for dataset in self.datasets if dataset.name == name),
            **facts,
            "splits": {side: {"folds": order[folds], **_describe(splits[side])} for side, folds in sides.items()},
        }
        return Data(**splits, digest=digest_json(content), manifest=manifest)

    def model(self, profile: Profile) -> nn.Module:
        """CREPE: the paper's net at `full`, shorter kernels and a larger stride below it."""
        return Crepe(SHAPES[profile])

    def training(self, profile: Profile) -> Training:
        """What twice the steps give at `quick` is the control `dense+`; `full` has not been tuned."""
        if profile == "smoke":
            return Training(steps=120, batch=32, learning_rate=4e-3, checks=2)
        if profile == "quick":
            return Training(steps=1250, batch=64, learning_rate=6e-3, checks=5)
        return Training(steps=30_000, batch=64, learning_rate=1e-3, checks=30)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy with blurred targets; why not CREPE's own loss is said in :mod:`.scale`."""
        return nn.functional.cross_entropy(output, blurred(targets))

    def evaluate(self, outputs: Tensor, split: Split) -> Evaluation:
        """Scores of :mod:`.score`; an item is a clip, parts and wholes are frames."""
        if not isinstance(split, Frames):
            raise TypeError("pitch is scored on the task's own splits")
        return self.score(split, *decode(outputs, followed(outputs, split.items)))

    def score(self, split: Frames, guess: np.ndarray, voiced: np.ndarray) -> Evaluation:
        """Scores of frequencies (rows,) in Hz, and of whether frames are voiced (rows,), whoever guessed them."""
        scored = score_items(split.hertz, guess, voiced, split.items, len(split.sources))
        items: Mapping[str, Mapping[str, np.ndarray]] = {m.id: scored[m.id.split(".")[1]] for m in self.metrics}
        return Evaluation(self.scored(items), items)

    def example(self, profile: Profile) -> Tensor:
        """One frame of noise, (1, 1, 1024)."""
        return torch.randn((1, 1, FRAME), generator=torch.Generator().manual_seed(0))

    def seconds(self, profile: Profile) -> float:
        """A hop of 10 ms, as CREPE is run."""
        return HOP / RATE

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Detuned: see :mod:`.frames`."""
        return frames.vary(batch, generator)


def rotated(name: str, seed: int) -> tuple[list[int], int]:
    """Folds in the order test, validation, training, and how many of them test."""
    folds, tests = HELD_OUT.get(name, (real.FOLDS, 1))
    first = tests * seed + tests * seed // folds if tests > 1 else seed
    return [(first + step) % folds for step in range(folds)], tests


def _rendered(order: Sequence[int], tests: int, profile: Profile) -> tuple[list[Clips], dict[str, object]]:
    """The clips of the folds in that order, and what the manifest says of them."""
    train, validation, test = CLIPS[profile]
    counts = [test] * tests + [validation] + [train] * (len(order) - tests - 1)
    parts = [recordings.clips(font(), f, train).first(n) for f, n in zip(order, counts, strict=True)]
    dealt = sounds.folds(font())
    return parts, {
        "font": font().digest,
        "generator": recordings.generator(font()),
        "presets": {str(fold): [list(presets) for presets in dealt[fold].sources] for fold in sorted(order)},
    }


def _describe(split: Frames) -> dict[str, object]:
    """What a split holds, JSON-ready."""
    return {
        "clips": len(split.sources),
        "rows": len(split),
        "voiced_rows": int((split.hertz > 0).sum()),
        "sources": np.unique(split.sources).tolist(),
    }
