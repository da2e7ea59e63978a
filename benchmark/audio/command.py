"""What the commands of generating tasks share that print a net beside known sounds."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmark.errors import BenchError, UsageError, did_you_mean
from benchmark.task import Data, Evaluation, Task

Compare = Callable[[Task, Data, int, Path | None], dict[str, object]]
"""Of the task, its data and seed, and the folder for examples, if any: scores, JSON-ready."""


def median_cents(found: Evaluation) -> float:
    """Of the pitch error, over the notes that have a pitch."""
    cents = next(items for metric, items in found.items.items() if metric.split(".")[1] == "cents")
    return float(np.median(cents["part"][cents["whole"] > 0]))


def main(of: Task, compare: Compare, program: str, arguments: list[str] | None) -> int:
    """Print scores of seeds at `quick` as JSON; returns the exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description="The net beside known sounds.")
    parser.add_argument("--data", default="rendered")
    parser.add_argument("--data-home", type=Path, metavar="DIR")
    parser.add_argument("--seeds", default="0,1,2", help="comma-separated (default: 0,1,2)")
    parser.add_argument("--examples", type=Path, metavar="DIR", help="write test notes of the first seed as FLAC")
    options = parser.parse_args(arguments)
    results, examples = {}, options.examples
    try:
        if options.data not in (names := [data.name for data in of.datasets]):
            raise UsageError(f"no data set {options.data!r}: {did_you_mean(options.data, names)}")
        task = of.on(options.data)
        for seed in map(int, options.seeds.split(",")):
            data = task.data(options.data, options.data_home, "quick", seed)
            results[f"seed {seed}"] = compare(task, data, seed, examples)
            examples = None
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(results, indent=1) + "\n")
    return 0
