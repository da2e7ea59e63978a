"""The dense net beside what anybody can do. `python -m tasks.sing.compare` prints scores on test notes as JSON.

Silence, white noise, a semitone off, half of the amplitude, a copy, and noise with the mean spectrum of training notes:
between them the net's numbers are to be read. `--data NAME --data-home DIR` as of `run`; `--examples DIR` writes notes.
`fresh` is the net before any training: what it owes to what its layers begin as.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from benchmark import plugins
from benchmark.audio.anchors import anchors, mean_spectrum, scored
from benchmark.audio.examples import write_examples
from benchmark.dense import trained_dense
from benchmark.errors import BenchError
from benchmark.setting import reference, stream
from benchmark.task import Data, Evaluation
from benchmark.training import test

from .layers import RATE
from .notes import Notes
from .task import SingTask

Scores = dict[str, float]


def compare(task: SingTask, data: Data, seed: int, examples: Path | None) -> dict[str, object]:
    """Scores by sound and metric; of the net also the median pitch error, and by how much it is nearer."""
    assert isinstance(data.train, Notes) and isinstance(data.test, Notes)
    sounds = anchors(data.test.audio, RATE)
    sounds["mean spectrum"] = scored(mean_spectrum(data.train.audio, data.test.audio), data.test.audio, RATE)
    plugin = plugins.tasks()[Path(__file__).parent.name]
    model = reference(task, "quick", stream(seed, "init"))
    fresh = test(task, model, data.test)
    fit, _ = trained_dense(plugin, task, data, "quick", seed, lambda step, score: None)
    model.load_state_dict(fit.state)
    net = test(task, model, data.test)
    if examples is not None and net.examples is not None:
        write_examples(examples / "wanted", net.examples.wanted, RATE)
        write_examples(examples / "made", net.examples.made, RATE)
    sounds |= {name: short(found) for name, found in (("fresh", fresh), ("net", net))}
    rivals = ("silence", "noise", "mean spectrum", "fresh")
    return {
        "notes": len(data.test),
        "scores": {sound: {name: round(x, 4) for name, x in scores.items()} for sound, scores in sounds.items()},
        "median cents of the net": round(median_cents(net), 3),
        "mss of the net to theirs": {name: round(sounds["net"]["mss"] / sounds[name]["mss"], 4) for name in rivals},
    }


def short(found: Evaluation) -> Scores:
    """Scores by the metrics' names alone."""
    return {name.split(".")[1]: score for name, score in found.scores.items()}


def median_cents(found: Evaluation) -> float:
    """Over the notes that have a pitch."""
    cents = found.items["sing.cents.v1"]
    return float(np.median(cents["part"][cents["whole"] > 0]))


def main(arguments: list[str] | None = None) -> int:
    """Print scores of seeds at `quick`; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tasks.sing.compare", description="The net beside known sounds.")
    parser.add_argument("--data", default="rendered")
    parser.add_argument("--data-home", type=Path, metavar="DIR")
    parser.add_argument("--seeds", default="0,1,2", help="comma-separated (default: 0,1,2)")
    parser.add_argument("--examples", type=Path, metavar="DIR", help="write test notes of the first seed as FLAC")
    options = parser.parse_args(arguments)
    results, examples = {}, options.examples
    try:
        task = SingTask().on(options.data)
        for seed in map(int, options.seeds.split(",")):
            data = task.data(options.data, options.data_home, "quick", seed)
            results[f"seed {seed}"] = compare(task, data, seed, examples)
            examples = None
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
