"""The nets of `instruments` on another sound font: `python -m tasks.classification.cross_font`.

The font is the one of :mod:`benchmark.data.second_font`, where it is installed. Prints JSON: the scores of the dense
nets of three seeds (from the cache, or trained now) on notes of all its sounds, which no net has heard, and their mean
with the 95 % interval of the leaderboard's bootstrap over seeds and sounds.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from benchmark.data.second_font import second_font
from benchmark.data.soundfont import font
from benchmark.errors import BenchError
from benchmark.leaderboard.statistics import bootstrap, by_source, interval
from benchmark.metrics import reduction
from benchmark.task import Profile

from . import notes, sounds
from .clips import Clips
from .reference import SEEDS, dense
from .task import task

CLIPS = 100
"""Of every class."""


def clips(path: Path, each: int = CLIPS) -> Clips:
    """Notes of all sounds of a font."""
    of = font(path)
    return notes.pick(notes.rendered(of, each), range(len(sounds.sounds(of))))


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tasks.classification.cross_font", description=__doc__)
    parser.add_argument("--profile", choices=("smoke", "quick", "full"), default="quick")
    options = parser.parse_args(arguments)
    profile: Profile = options.profile
    torch.set_num_threads(1)
    of = task.on("instruments")
    try:
        path = second_font()
        other = clips(path)
        found = [dense(of, of.data("instruments", None, profile, seed), profile, seed, other) for seed in SEEDS]
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    by = reduction(of.metrics[0].reduction)
    mean = interval(bootstrap(by, [by_source(by, e.items[of.metrics[0].id], other.sources) for e in found]))
    result = {
        "font": path.name,
        "sounds": len(np.unique(other.sources)),
        "seeds": {str(s): {i: round(v, 4) for i, v in e.scores.items()} for s, e in zip(SEEDS, found, strict=True)},
        "mean": {"value": round(mean.value, 4), "low": round(mean.low, 4), "high": round(mean.high, 4)},
    }
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
