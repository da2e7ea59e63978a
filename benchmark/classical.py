"""The dense net beside a classical method on the same test sets: what the commands of tasks share that print it.

Differences are paired, and their intervals are the leaderboard's: over seeds and the sources in them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmark import plugins
from benchmark.dense import trained_dense
from benchmark.errors import BenchError
from benchmark.leaderboard.statistics import Scores, bootstrap, by_source, interval, strata
from benchmark.metrics import reduction
from benchmark.task import PROFILES, Data, Evaluation, Metric, Profile, Task

SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Both:
    """Scores of the net and of the classical method on one split, and the sources of its items."""

    dense: Evaluation
    classical: Evaluation
    sources: np.ndarray


def dense(name: str, task: Task, data: Data, profile: Profile, seed: int) -> nn.Module:
    """The dense net that all methods of the task `name` share: from the cache, or trained now."""
    fit, _ = trained_dense(plugins.tasks()[name], task, data, profile, seed, lambda step, score: None)
    net = task.model(profile)
    net.load_state_dict(fit.state)
    return net


def scores(metric: Metric, found: Sequence[Evaluation], sources: Sequence[np.ndarray]) -> Scores:
    """What a bootstrap says of a method, from its evaluations and the sources of their items, one a seed."""
    by, items = reduction(metric.reduction), [one.items[metric.id] for one in found]
    sums = [by_source(by, of_seed, here) for of_seed, here in zip(items, sources, strict=True)]
    return bootstrap(by, sums, [strata(of_seed, here) for of_seed, here in zip(items, sources, strict=True)])


def compared(metric: Metric, name: str, found: Sequence[Both]) -> dict[str, object]:
    """The mean score of both over the seeds, and the net's lead over the classical method `name`; JSON-ready."""
    sources = [both.sources for both in found]
    net = scores(metric, [both.dense for both in found], sources)
    other = scores(metric, [both.classical for both in found], sources)
    counts = [len(np.unique(here)) for here in sources]
    return {"sources": counts, "dense": said(net), name: said(other), "lead": said(net - other)}


def said(found: Scores) -> dict[str, float]:
    """A mean over seeds with its 95 % interval and standard error; JSON-ready."""
    shown = interval(found)
    numbers = {"value": shown.value, "low": shown.low, "high": shown.high, "standard error": float(found.draws.std())}
    return {name: round(number, 4) for name, number in numbers.items()}


def rounded(found: Evaluation) -> dict[str, float]:
    """Every score of an evaluation; JSON-ready."""
    return {metric: round(value, 4) for metric, value in found.scores.items()}


def parser(module: str, about: str | None, task: Task) -> argparse.ArgumentParser:
    """Options of a task's command `python -m MODULE`: `data`, `data_home`, `profile` and `seeds`."""
    options = argparse.ArgumentParser(prog=f"python -m {module}", description=about)
    options.add_argument("--data", choices=[data.name for data in task.datasets], default=task.datasets[0].name)
    options.add_argument("--data-home", type=Path, metavar="DIR")
    options.add_argument("--profile", choices=PROFILES, default="quick")
    options.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    return options


def printed(report: Callable[[], object]) -> int:
    """Print what `report` gives as JSON, or one line that says what is wrong; the exit code."""
    # As in a run: with more threads the same net would get other last bits.
    torch.set_num_threads(1)
    try:
        found = report()
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 0
