"""What the commands of generating tasks share that print how much faster than real time their nets play."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.budgets import BUDGETS
from benchmark.selection import uniform_widths
from benchmark.task import Profile, Task
from benchmark.trimming import couple, load

ROUNDS = (0, 4, 8, 12, 15)
REPEATS = 7
"""Of what is timed, after once to warm up."""

Past = TypeVar("Past")
Factors = dict[str, object]


def evenly_cut(task: Task, profile: Profile, number: int) -> nn.Module:
    """The net of fresh weights with the widths of an even cut to the budget of a round: time depends on widths."""
    torch.manual_seed(0)
    model = task.model(profile)
    coupling = couple(model, (task.example(profile),), protect=task.protected)
    widths = uniform_widths(coupling, int(BUDGETS[number] * coupling.parameters()))
    plan = coupling.plan({name: list(range(width)) for name, width in widths.items()})
    load(model, plan.apply(model.state_dict()), coupling.stored)
    return model.eval()


def by_round(task: Task, profile: Profile, factors: Callable[[nn.Module], Factors]) -> dict[str, Factors]:
    """What is found of the evenly cut nets of some rounds, on one thread."""
    torch.set_num_threads(1)
    return {f"round {k}": factors(evenly_cut(task, profile, k)) for k in ROUNDS}


def play(step: Callable[[Tensor, Past | None], tuple[Tensor, Past]], parts: Sequence[Tensor]) -> list[float]:
    """Seconds that each part of a note takes, every one after what the one before it left."""
    times, past = [], None
    for part in parts:
        begun = perf_counter()
        _, past = step(part, past)
        times.append(perf_counter() - begun)
    return times


def timed(run: Callable[[], list[float]], seconds: float) -> Factors:
    """How much faster than `seconds` the parts of a run are together; `block ms` is the median of one of several."""
    runs = [run() for _ in range(REPEATS + 1)][1:]
    entry: Factors = {"factor": round(seconds / float(np.median([sum(times) for times in runs])), 1)}
    return entry if len(runs[0]) == 1 else entry | {"block ms": round(1000 * float(np.median(runs)), 3)}


def tell(found: Mapping[str, object]) -> None:
    """Print it as JSON."""
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
