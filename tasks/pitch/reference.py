"""The dense net against a classical method on the same frames: `python -m tasks.pitch.reference` prints it as JSON.

The method is pYIN (:mod:`.pyin`). It looks between the lowest and the highest pitch that the data have, and a little
beyond; whether its frame is the net's 64 ms or twice that is chosen on validation clips.

For the default data, both are also asked for the sounds of :mod:`benchmark.data.second_font`, where that is installed:
no sound of it was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark import classical
from benchmark.classical import Both, compared
from benchmark.data.second_font import has_second_font, second_font
from benchmark.data.soundfont import font
from benchmark.task import Data, Evaluation, Profile
from benchmark.training import evaluate

from . import recordings, sounds, task
from .frames import Frames
from .model import FRAME
from .pyin import guesses, spanned
from .task import APART

LENGTHS = (FRAME, 2 * FRAME)
TURNS = 4
"""Clips of every source of the second font."""
PRIMARY = task.metrics[0]


def by_pyin(data: Data) -> tuple[int, Evaluation]:
    """The length that validation chose, and the scores on test."""
    train, validation, test = (_frames(split) for split in (data.train, data.validation, data.test))
    within = spanned([train, validation, test])

    def right(length: int) -> float:
        return task.score(validation, *guesses(validation, length, within)).scores[PRIMARY.id]

    length = max(LENGTHS, key=right)
    return length, task.score(test, *guesses(test, length, within))


def on_second_font() -> Frames:
    """Every source of the second font, none of the players that are no recordings: all of it is test."""
    other = font(second_font())
    clips = []
    for fold, sounding in enumerate(sounds.folds(other)):
        rendered = recordings.clips(other, fold, TURNS * len(sounding.numbers))
        clips.append(rendered.where(np.isin(rendered.sources, sounding.numbers[: len(sounding.sources)])))
    return Frames(clips, APART)


def presets_only(both: Both) -> Both:
    """Both on the sources that are of the font, not of players that are no recordings."""
    kept = both.sources < sum(len(fold.sources) for fold in sounds.folds(font()))

    def of(found: Evaluation) -> Evaluation:
        items = {id_: {name: values[kept] for name, values in arrays.items()} for id_, arrays in found.items.items()}
        return Evaluation(task.scored(items), items)

    return Both(of(both.dense), of(both.classical), both.sources[kept])


def _frames(split: object) -> Frames:
    if not isinstance(split, Frames):
        raise TypeError("pitch is compared on the task's own splits")
    return split


def report(name: str, home: Path | None, profile: Profile, seeds: Sequence[int]) -> dict[str, object]:
    """All of it, JSON-ready."""
    found, others = [], []
    said: dict[str, object] = {}
    for seed in seeds:
        data = task.data(name, home, profile, seed)
        net = classical.dense(str(__package__).rpartition(".")[2], task, data, profile, seed)
        length, heard = by_pyin(data)
        split = _frames(data.test)
        both = Both(evaluate(task, net, split), heard, split.sources)
        scores = {"dense": classical.rounded(both.dense), "pyin": classical.rounded(both.classical)}
        said[f"seed {seed}"] = {"frame": length, **compared(PRIMARY, "pyin", [both]), "scores": scores}
        found.append(both)
        if name == "rendered" and has_second_font():
            there = on_second_font()
            tracked = guesses(there, length, spanned([there]))
            others.append(Both(evaluate(task, net, there), task.score(there, *tracked), there.sources))
    said["all seeds"] = compared(PRIMARY, "pyin", found)
    if name == "rendered":
        said["presets only"] = compared(PRIMARY, "pyin", [presets_only(both) for both in found])
        said["second font"] = compared(PRIMARY, "pyin", others) if others else "not installed"
    return said


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    options = classical.parser("tasks.pitch.reference", "The dense net against pYIN.", task).parse_args(arguments)
    return classical.printed(lambda: report(options.data, options.data_home, options.profile, options.seeds))


if __name__ == "__main__":
    raise SystemExit(main())
