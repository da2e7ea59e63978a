"""The dense net beside the classical reference: `python -m tasks.drums.compare [--data NAME --data-home DIR]`.

Prints JSON. For every seed: F1 of the net and of :mod:`.bands` on the same test set and the net's lead, each with its
interval, and F1 by drum; on the rendered loops also both on the kits of :mod:`.other_font`, where that font is
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
from benchmark.data.second_font import has_second_font
from benchmark.metrics import reduction
from benchmark.task import Evaluation, Profile
from benchmark.training import predict

from . import bands, other_font, task
from .rows import LAYOUT, PEAKS
from .sounds import DRUM_NAMES
from .task import TOLERANCES

PRIMARY = task.metrics[0]
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)


def seed_report(name: str, home: Path | None, profile: Profile, seed: int) -> tuple[dict[str, object], Both]:
    """What is printed of a seed, and both methods on its test set."""
    data = task.data(name, home, profile, seed)
    validation, test = (side for side in (data.validation, data.test) if isinstance(side, Windows))
    net = classical.dense(Path(__file__).parent.name, task, data, profile, seed)
    thresholds = bands.choose(validation.clips, TOLERANCES[0])
    found = both(net, test, thresholds)
    by_drum = {
        drum: {"dense": f1(found.dense, n), "bands": f1(found.classical, n)} for n, drum in enumerate(DRUM_NAMES)
    }
    report = {**compared(PRIMARY, "bands", [found]), "by drum": by_drum}
    if name == "rendered" and has_second_font():
        moments = data.manifest["features"]
        assert isinstance(moments, Mapping)
        report["other font"] = compared(
            PRIMARY, "bands", [both(net, Windows(other_font.clips(seed), LAYOUT, **moments), thresholds)]
        )
    outputs = predict(net, validation)
    report["validation F1 by threshold"] = {
        threshold: round(
            task.score(validation, heard(outputs, validation, replace(PEAKS, threshold=threshold))).scores[PRIMARY.id],
            4,
        )
        for threshold in THRESHOLDS
    }
    return report, found


def both(net: nn.Module, split: Windows, thresholds: tuple[float, ...]) -> Both:
    """The net and the bands on a split."""
    transcribed = bands.transcribe(split.clips, thresholds)
    return Both(task.evaluate(predict(net, split), split), task.score(split, transcribed), split.sources)


def f1(found: Evaluation, drum: int) -> float:
    """Of one drum: every third item."""
    items = {name: values[drum :: len(DRUM_NAMES)] for name, values in found.items[PRIMARY.id].items()}
    score = reduction(PRIMARY.reduction)(items)
    return round(score, 4) if np.isfinite(score) else 0.0


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    options = classical.parser("tasks.drums.compare", __doc__, task).parse_args(arguments)

    def report() -> dict[str, object]:
        found = {s: seed_report(options.data, options.data_home, options.profile, s) for s in options.seeds}
        printed: dict[str, object] = {str(seed): of_seed for seed, (of_seed, _) in found.items()}
        return printed | {"all seeds": compared(PRIMARY, "bands", [one for _, one in found.values()])}

    return classical.printed(report)


if __name__ == "__main__":
    raise SystemExit(main())
