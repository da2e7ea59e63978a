"""The dense net beside librosa: `python -m tasks.onsets.compare [--data NAME --data-home DIR]`.

Prints JSON. For every seed: F1 of the net and of :mod:`.detect` on the same test set, the net's standard error and 95 %
interval over sources, and the interval of its lead; then the same over all seeds; on the rendered clips also both on
those of :mod:`.other_font`, where that font is installed. The net is the one that all methods share: it is trained
unless the cache has it. Last, F1 on validation by the threshold of :mod:`.picking`: that is how it was chosen.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmark import plugins
from benchmark.data.soundfont import font
from benchmark.data.splits import Side
from benchmark.dense import trained_dense
from benchmark.errors import BenchError
from benchmark.leaderboard.statistics import Scores, bootstrap, by_source
from benchmark.metrics import Items, reduction
from benchmark.task import PROFILES, Data, Profile
from benchmark.training import predict

from . import detect, other_font, recorded, task
from .picking import THRESHOLD
from .score import score_items
from .segments import Segments
from .sounds import FOLDS
from .task import CLIPS, TOLERANCES, heard

POOLED = reduction("pooled_f1")
THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)

Sums = tuple[np.ndarray, np.ndarray]
"""Counts by source of the net and of librosa."""


def seed_report(name: str, home: Path | None, profile: Profile, seed: int) -> tuple[dict[str, object], Sums]:
    """What is printed of a seed, and the counts that `summary` takes."""
    data = task.data(name, home, profile, seed)
    validation, test = (side for side in (data.validation, data.test) if isinstance(side, Segments))
    plugin = plugins.tasks()[Path(__file__).parent.name]
    fit, _ = trained_dense(plugin, task, data, profile, seed, lambda step, score: None)
    model = task.model(profile)
    model.load_state_dict(fit.state)
    strengths = _strengths(name, home, profile, seed)
    setting = detect.choose(strengths["validation"], [clip.onsets for clip in validation.clips], TOLERANCES[0])

    def counts(split: Segments, heard_by_librosa: detect.Strengths) -> Sums:
        return (
            _by_source(split, heard(predict(model, split), split)),
            _by_source(split, [detect.onsets(one, setting) for one in heard_by_librosa]),
        )

    sums = counts(test, strengths["test"])
    scores = task.evaluate(predict(model, test), test).scores
    report: dict[str, object] = {
        "sources": len(sums[0]),
        **summary([sums]),
        "scores": {metric: round(value, 4) for metric, value in scores.items()},
        "librosa's setting": [list(detect.KINDS)[setting[0]], round(setting[1], 3)],
    }
    if name == "rendered" and other_font.PATH.is_file():
        report["other font"] = summary([counts(*_on_other_font(data, profile, seed))])
    outputs = predict(model, validation)
    report["validation F1 by threshold"] = {
        threshold: round(POOLED(_items(validation, heard(outputs, validation, threshold))), 4)
        for threshold in sorted({*THRESHOLDS, THRESHOLD})
    }
    return report, sums


def summary(seeds: Sequence[Sums]) -> dict[str, object]:
    """Means over seeds, and what a bootstrap over sources and seeds says of them."""
    dense, classical = (bootstrap(POOLED, sums) for sums in zip(*seeds, strict=True))
    return {
        "dense": round(float(dense.seeds.mean()), 4),
        "standard error": round(float(dense.draws.std()), 4),
        "interval": _interval(dense),
        "librosa": round(float(classical.seeds.mean()), 4),
        "lead": _interval(dense - classical),
    }


def _strengths(name: str, home: Path | None, profile: Profile, seed: int) -> dict[Side, list[np.ndarray]]:
    """What librosa hears of the validation and test sides."""
    if name != "rendered":
        found = recorded.load(name, home, seed)
        return {"validation": detect.of_side(name, found, "validation"), "test": detect.of_side(name, found, "test")}
    _, validation, test = CLIPS[profile]
    return {
        "validation": detect.of_fold((seed + 1) % FOLDS, validation),
        "test": detect.of_fold(seed % FOLDS, test),
    }


def _on_other_font(data: Data, profile: Profile, seed: int) -> tuple[Segments, list[np.ndarray]]:
    """The test clips on the other font, and what librosa hears of them."""
    count = CLIPS[profile][2]
    moments = data.manifest["features"]
    assert isinstance(moments, Mapping)
    split = Segments(other_font.clips(seed, count), **moments)
    return split, detect.of_fold(seed % FOLDS, count, font(other_font.PATH))


def _by_source(split: Segments, guess: Sequence[np.ndarray]) -> np.ndarray:
    return by_source(POOLED, _items(split, guess), split.sources)


def _items(split: Segments, guess: Sequence[np.ndarray]) -> Items:
    return score_items([clip.onsets for clip in split.clips], guess, TOLERANCES[0])


def _interval(scores: Scores) -> list[float]:
    return [round(float(bound), 4) for bound in np.percentile(scores.draws, (2.5, 97.5))]


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tasks.onsets.compare", description=__doc__)
    parser.add_argument("--data", choices=[data.name for data in task.datasets], default=task.datasets[0].name)
    parser.add_argument("--data-home", type=Path, metavar="DIR")
    parser.add_argument("--profile", choices=PROFILES, default="quick")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args(arguments)
    # As in a run: with more threads the same net would get other last bits.
    torch.set_num_threads(1)
    try:
        found = {s: seed_report(options.data, options.data_home, options.profile, s) for s in options.seeds}
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    printed: dict[object, object] = {seed: report for seed, (report, _) in found.items()}
    printed["all seeds"] = summary([sums for _, sums in found.values()])
    sys.stdout.write(json.dumps(printed, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
