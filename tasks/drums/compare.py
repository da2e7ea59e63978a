"""The dense net beside the classical reference: `python -m tasks.drums.compare [--data NAME --data-home DIR]`.

Prints JSON. For every seed: F1 of the net and of :mod:`.bands` on the same test set, the net's standard error and 95 %
interval over sources, and the interval of its lead; then the same over all seeds; on the rendered loops also both on
the kits of :mod:`.other_font`, where that font is installed. The net is the one that all methods share: it is trained
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
from benchmark.dense import trained_dense
from benchmark.errors import BenchError
from benchmark.leaderboard.statistics import Scores, bootstrap, by_source
from benchmark.metrics import reduction
from benchmark.task import PROFILES, Profile
from benchmark.training import predict

from . import bands, other_font, task
from .patches import Patches
from .score import Strokes, score_items
from .sounds import DRUM_NAMES
from .task import TOLERANCES, heard

POOLED = reduction("pooled_f1")
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)

Sums = tuple[np.ndarray, np.ndarray]
"""Counts by source of the net and of the bands."""


def seed_report(data_name: str, home: Path | None, profile: Profile, seed: int) -> tuple[dict[str, object], Sums]:
    """What is printed of a seed, and the counts that `summary` takes."""
    name = Path(__file__).parent.name
    data = task.data(data_name, home, profile, seed)
    validation, test = (side for side in (data.validation, data.test) if isinstance(side, Patches))
    fit, _ = trained_dense(plugins.tasks()[name], task, data, profile, seed, lambda step, score: None)
    model = task.model(profile)
    model.load_state_dict(fit.state)
    thresholds = bands.choose(validation.clips, TOLERANCES[0])

    def counts(split: Patches) -> Sums:
        guesses = heard(predict(model, split), split), bands.transcribe(split.clips, thresholds)
        dense, classical = (by_source(POOLED, _items(split, guess), split.sources) for guess in guesses)
        return dense, classical

    sums = counts(test)
    report: dict[str, object] = {"sources": len(sums[0]), **summary([sums]), "by drum": _by_drum(sums)}
    if data_name == "rendered" and other_font.PATH.is_file():
        moments = data.manifest["features"]
        assert isinstance(moments, Mapping)
        report["other font"] = summary([counts(Patches(other_font.clips(seed), **moments))])
    outputs = predict(model, validation)
    report["validation F1 by threshold"] = {
        threshold: round(POOLED(_items(validation, heard(outputs, validation, threshold))), 4)
        for threshold in THRESHOLDS
    }
    return report, sums


def summary(seeds: Sequence[Sums]) -> dict[str, object]:
    """Means over seeds, and what a bootstrap over sources and seeds says of them."""
    dense, classical = (bootstrap(POOLED, sums) for sums in zip(*seeds, strict=True))
    return {
        "dense": round(float(dense.seeds.mean()), 4),
        "standard error": round(float(dense.draws.std()), 4),
        "interval": _interval(dense),
        "bands": round(float(classical.seeds.mean()), 4),
        "lead": _interval(dense - classical),
    }


def _items(split: Patches, guess: Sequence[Strokes]) -> dict[str, np.ndarray]:
    return score_items([clip.strokes for clip in split.clips], guess, TOLERANCES[0])


def _by_drum(sums: Sums) -> dict[str, dict[str, float]]:
    """F1 of a drum: its columns are every third one."""
    return {
        drum: {
            name: round(float(POOLED.score(s[:, label :: len(DRUM_NAMES)].sum(0))), 4)
            for name, s in zip(("dense", "bands"), sums, strict=True)
        }
        for label, drum in enumerate(DRUM_NAMES)
    }


def _interval(scores: Scores) -> list[float]:
    return [round(float(bound), 4) for bound in np.percentile(scores.draws, (2.5, 97.5))]


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tasks.drums.compare", description=__doc__)
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
