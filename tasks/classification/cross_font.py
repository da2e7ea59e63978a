"""The nets of `instruments` on another sound font: `python -m tasks.classification.cross_font`.

The font is the one of :mod:`benchmark.data.second_font`, where it is installed. Prints JSON: the scores of the dense
nets of three seeds (from the cache, or trained now) on notes of all its sounds, which no net has heard, and their mean
with the 95 % interval of the leaderboard's bootstrap over seeds and sounds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmark import classical
from benchmark.classical import SEEDS
from benchmark.data.second_font import second_font
from benchmark.data.soundfont import font
from benchmark.task import PROFILES, Profile
from benchmark.training import evaluate

from . import notes, sounds
from .clips import Clips
from .task import task

CLIPS = 100
"""Of every class."""


def clips(path: Path, each: int = CLIPS) -> Clips:
    """Notes of all sounds of a font."""
    of = font(path)
    return notes.pick(notes.rendered(of, each), range(len(sounds.sounds(of))))


def report(profile: Profile) -> dict[str, object]:
    """All of it, JSON-ready."""
    of = task.on("instruments")
    path = second_font()
    other, found = clips(path), []
    for seed in SEEDS:
        data = of.data("instruments", None, profile, seed)
        found.append(evaluate(of, classical.dense(Path(__file__).parent.name, of, data, profile, seed), other))
    return {
        "font": path.name,
        "sounds": len(np.unique(other.sources)),
        "seeds": {str(seed): classical.rounded(one) for seed, one in zip(SEEDS, found, strict=True)},
        "mean": classical.said(classical.scores(of.metrics[0], found, [other.sources] * len(found))),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tasks.classification.cross_font", description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="quick")
    options = parser.parse_args(arguments)
    return classical.printed(lambda: report(options.profile))


if __name__ == "__main__":
    raise SystemExit(main())
