"""The dense net beside librosa: `python -m tasks.onsets.compare [--data NAME --data-home DIR]`.

Prints JSON. For every seed: F1 of the net and of :mod:`.detect` on the same test set and the net's lead, each with its
interval, and all scores of the net; on the rendered clips also both on those of :mod:`.other_font`, where that font is
installed. Then the same over all seeds. Last of a seed, F1 on validation by the threshold of :mod:`.rows`: that is
how it was chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import nn

from benchmark import classical
from benchmark.audio.peaks import heard
from benchmark.audio.windows import Windows
from benchmark.classical import Both, compared
from benchmark.data.second_font import has_second_font, second_font
from benchmark.data.soundfont import font
from benchmark.data.splits import Side
from benchmark.task import Profile
from benchmark.training import predict

from . import detect, other_font, recorded, task
from .libraries import SETS
from .rows import LAYOUT, PEAKS
from .sounds import FOLDS
from .task import CLIPS, TOLERANCES

PRIMARY = task.metrics[0]
THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)


def seed_report(name: str, home: Path | None, profile: Profile, seed: int) -> tuple[dict[str, object], Both]:
    """What is printed of a seed, and both methods on its test set."""
    data = task.data(name, home, profile, seed)
    validation, test = (side for side in (data.validation, data.test) if isinstance(side, Windows))
    net = classical.dense(Path(__file__).parent.name, task, data, profile, seed)
    strengths = _strengths(name, home, profile, seed)
    setting = detect.choose(strengths["validation"], [clip.events for clip in validation.clips], TOLERANCES[0])
    found = both(net, test, strengths["test"], setting)
    report = {
        **compared(PRIMARY, "librosa", [found]),
        "scores": classical.rounded(found.dense),
        "librosa's setting": [list(detect.KINDS)[setting[0]], round(setting[1], 3)],
    }
    if name == "rendered" and has_second_font():
        count, moments = CLIPS[profile][2], data.manifest["features"]
        assert isinstance(moments, Mapping)
        there = Windows(other_font.clips(seed, count), LAYOUT, **moments)
        by_librosa = detect.of_fold(seed % FOLDS, count, font(second_font()))
        report["other font"] = compared(PRIMARY, "librosa", [both(net, there, by_librosa, setting)])
    outputs = predict(net, validation)
    report["validation F1 by threshold"] = {
        threshold: round(
            task.score(validation, heard(outputs, validation, replace(PEAKS, threshold=threshold))).scores[PRIMARY.id],
            4,
        )
        for threshold in THRESHOLDS
    }
    return report, found


def both(net: nn.Module, split: Windows, strengths: detect.Strengths, setting: tuple[int, float]) -> Both:
    """The net and librosa on a split."""
    guess = [[detect.onsets(one, setting)] for one in strengths]
    return Both(task.evaluate(predict(net, split), split), task.score(split, guess), split.sources)


def _strengths(name: str, home: Path | None, profile: Profile, seed: int) -> dict[Side, list[np.ndarray]]:
    """What librosa hears of the validation and test sides."""
    if name != "rendered":
        listed = SETS[name].recordings(home, seed)
        used = recorded.load(name, listed).used
        return {side: detect.of_recordings(name, listed, used[side]) for side in ("validation", "test")}
    _, validation, test = CLIPS[profile]
    return {
        "validation": detect.of_fold((seed + 1) % FOLDS, validation),
        "test": detect.of_fold(seed % FOLDS, test),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    options = classical.parser("tasks.onsets.compare", __doc__, task).parse_args(arguments)

    def report() -> dict[str, object]:
        found = {s: seed_report(options.data, options.data_home, options.profile, s) for s in options.seeds}
        printed: dict[str, object] = {str(seed): of_seed for seed, (of_seed, _) in found.items()}
        return printed | {"all seeds": compared(PRIMARY, "librosa", [one for _, one in found.values()])}

    return classical.printed(report)


if __name__ == "__main__":
    raise SystemExit(main())
