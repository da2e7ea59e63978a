"""The dense net against a classical method on the same frames: `python -m tasks.pitch.reference` prints it as JSON.

Mauch and Dixon, "pYIN: a fundamental frequency estimator using probabilistic threshold distributions", ICASSP 2014, as
librosa has it, with its defaults. It looks between the lowest and the highest pitch that the data have, and a semitone
beyond; whether its frame is the net's 64 ms or twice that is chosen on validation clips. Unlike the net it hears the
whole clip: it smooths over time by a hidden Markov model.

Differences are paired, and their intervals are over sources (:mod:`benchmark.leaderboard.statistics`). For the default
data, the net is also asked for the sounds of a second font, FluidR3 (Debian's package fluid-soundfont-gm, MIT), where
that is installed: no sound of it was trained on.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from benchmark import plugins
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.soundfont import font
from benchmark.dense import trained_dense
from benchmark.digest import digest_arrays
from benchmark.errors import BenchError
from benchmark.leaderboard.statistics import Scores, bootstrap, by_source, interval
from benchmark.metrics import reduction
from benchmark.task import PROFILES, Data, Evaluation, Profile
from benchmark.training import evaluate

from . import recordings, sounds, task
from .frames import Frames
from .model import FRAME, RATE
from .recordings import HOP
from .task import STRIDES

LENGTHS = (FRAME, 2 * FRAME)
SECOND_FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
TURNS = 4
"""Clips of every source of the second font."""
PRIMARY = task.metrics[0]

Range = tuple[float, float]


@dataclass(frozen=True)
class Found:
    """What both methods score on a split."""

    split: Frames
    dense: Evaluation
    pyin: Evaluation

    def scores(self) -> dict[str, dict[str, float]]:
        """Every metric of both."""
        return {
            name: {metric: round(value, 4) for metric, value in evaluation.scores.items()}
            for name, evaluation in (("dense", self.dense), ("pyin", self.pyin))
        }


def track(audio: np.ndarray, length: int, within: Range) -> tuple[np.ndarray, np.ndarray]:
    """What pYIN with frames of `length` samples says of int16 audio: Hz and voicing, (samples / HOP,) each."""
    import librosa

    hertz, voiced, _ = librosa.pyin(
        audio.astype(np.float32) / 32768,
        fmin=within[0], fmax=within[1], sr=RATE, frame_length=length, hop_length=HOP, fill_na=None,
    )  # fmt: skip
    frames = len(audio) // HOP
    return hertz[:frames], voiced[:frames]


def spanned(splits: Sequence[Frames]) -> Range:
    """Hz from the lowest to the highest pitch of the splits, and a semitone beyond."""
    hertz = np.concatenate([split.hertz[split.hertz > 0] for split in splits])
    return float(hertz.min()) * 2 ** (-1 / 12), float(hertz.max()) * 2 ** (1 / 12)


def guesses(split: Frames, length: int, within: Range) -> tuple[np.ndarray, np.ndarray]:
    """Hz and voicing of the rows, from the cache where it has them."""
    audio = [split.audio(item) for item in range(len(split.sources))]
    spec = {
        "code": generator_digest(Path(__file__)),
        "audio": digest_arrays(audio),
        "frames": digest_arrays(split.frames),
        "of": [length, *within],
    }

    def build() -> dict[str, np.ndarray]:
        found = [track(sound, length, within) for sound in audio]
        return {
            name: np.concatenate([one[i][frames] for one, frames in zip(found, split.frames, strict=True)])
            for i, name in enumerate(("hertz", "voiced"))
        }

    arrays = cached_arrays("pitch-pyin", spec, build)
    return arrays["hertz"], arrays["voiced"]


def pyin(data: Data) -> tuple[int, Evaluation]:
    """The length that validation chose, and the scores on test."""
    train, validation, test = (_frames(split) for split in (data.train, data.validation, data.test))
    within = spanned([train, validation, test])

    def right(length: int) -> float:
        return task.score(validation, *guesses(validation, length, within)).scores[PRIMARY.id]

    length = max(LENGTHS, key=right)
    return length, task.score(test, *guesses(test, length, within))


def second_font(path: Path) -> Frames:
    """Every source of another font, none of the players that are no recordings: all of it is test."""
    other = font(path)
    clips = []
    for fold, sounding in enumerate(sounds.folds(other)):
        rendered = recordings.clips(other, fold, TURNS * len(sounding.numbers))
        clips.append(rendered.where(np.isin(rendered.sources, sounding.numbers[: len(sounding.sources)])))
    return Frames(clips, STRIDES["quick"][2])


def dense(data: Data, profile: Profile, seed: int) -> nn.Module:
    """The dense net of the harness: from its cache, or trained."""
    name = str(__package__).rpartition(".")[2]
    fit, _ = trained_dense(plugins.tasks()[name], task, data, profile, seed, lambda step, score: None)
    net = task.model(profile)
    net.load_state_dict(fit.state)
    return net


def compare(found: Sequence[Found], below: float = math.inf) -> dict[str, object]:
    """The primary score of both methods, mean over splits, and their difference, each with its interval over sources.

    Only sources with a number `below` count.
    """

    def scores(evaluations: Sequence[Evaluation]) -> Scores:
        ratio, sums = reduction(PRIMARY.reduction), []
        for one, evaluation in zip(found, evaluations, strict=True):
            kept = one.split.sources < below
            items = {name: values[kept] for name, values in evaluation.items[PRIMARY.id].items()}
            sums.append(by_source(ratio, items, one.split.sources[kept]))
        return bootstrap(ratio, sums)

    net, classical = scores([one.dense for one in found]), scores([one.pyin for one in found])
    return {
        "sources": [len(np.unique(one.split.sources[one.split.sources < below])) for one in found],
        "dense": _said(net),
        "pyin": _said(classical),
        "difference": _said(net - classical),
    }


def _said(scores: Scores) -> dict[str, object]:
    found = interval(scores)
    numbers = {"value": found.value, "from": found.low, "to": found.high, "se": float(scores.draws.std())}
    return {name: round(number, 4) for name, number in numbers.items()}


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
        net = dense(data, profile, seed)
        length, classical = pyin(data)
        split = _frames(data.test)
        found.append(Found(split, evaluate(task, net, split), classical))
        said[f"seed {seed}"] = {"frame": length, **compare(found[-1:]), "scores": found[-1].scores()}
        if name == "rendered" and SECOND_FONT.is_file():
            there = second_font(SECOND_FONT)
            heard = guesses(there, length, spanned([there]))
            others.append(Found(there, evaluate(task, net, there), task.score(there, *heard)))
    said["all seeds"] = compare(found)
    if name == "rendered":
        said["presets only"] = compare(found, sum(len(fold.sources) for fold in sounds.folds(font())))
        said["second font"] = compare(others) if others else f"{SECOND_FONT} is not there"
    return said


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tasks.pitch.reference", description="The dense net against pYIN.")
    parser.add_argument("--data", choices=[one.name for one in task.datasets], default=task.datasets[0].name)
    parser.add_argument("--data-home", type=Path, metavar="DIR")
    parser.add_argument("--profile", choices=PROFILES, default="quick")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args(arguments)
    try:
        said = report(options.data, options.data_home, options.profile, options.seeds)
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(said, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
