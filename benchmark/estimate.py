"""How long a plan will take here at least, from a few training steps of each reference model, timed now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from benchmark import plugins
from benchmark.budgets import BUDGETS, CONTROL_ROUNDS
from benchmark.jobs import Job
from benchmark.methods import method
from benchmark.selection import minimum_widths
from benchmark.setting import rewind_step
from benchmark.task import Profile, Training
from benchmark.trimming import couple, load

STEPS = 3
"""Steps that are timed, after one that pays for set-up."""


@dataclass(frozen=True)
class _Pace:
    """Seconds of a training step of the dense net and of the smallest: what does not shrink with the parameters."""

    recipe: Training
    dense: float
    smallest: float

    def step(self, k: int) -> float:
        """Of a net of round k."""
        return self.smallest + (self.dense - self.smallest) * BUDGETS[k]


def estimate(jobs: Sequence[Job], processes: int) -> float:
    """Seconds of wall clock for these jobs on that many processes, of nothing but forwards and backwards.

    Preparing and augmenting data, losses, the optimizer and measuring are not counted.
    """
    torch.set_num_threads(1)
    paces = {of: _pace(*of) for of in {_nets(job) for job in jobs}}
    total = sum(_seconds(job, paces[_nets(job)]) for job in jobs)
    return total / max(1, min(processes, len(jobs)))


def _nets(job: Job) -> tuple[str, str, str]:
    """What jobs with one reference model share."""
    return job.key.task, job.key.data, job.key.profile


def _pace(task_name: str, data: str, profile_name: str) -> _Pace:
    task, profile = plugins.task(task_name).on(data), cast(Profile, profile_name)
    recipe, model, example = task.training(profile), task.model(profile), task.example(profile)
    rows = example.expand(recipe.batch, *example.shape[1:])
    dense = _seconds_a_step(model, rows)
    coupling = couple(model, (example,), protect=task.protected)
    keep = {group: range(units) for group, units in minimum_widths(coupling).items()}
    narrow = load(model, coupling.plan(keep).apply(model.state_dict()), coupling.stored)
    return _Pace(recipe, dense, _seconds_a_step(narrow, rows))


def _seconds_a_step(model: nn.Module, rows: Tensor) -> float:
    model.train()
    model(rows).sum().backward()
    begun = time.perf_counter()
    for _ in range(STEPS):
        model(rows).sum().backward()
    return (time.perf_counter() - begun) / STEPS


def _seconds(job: Job, pace: _Pace) -> float:
    steps, a_round = pace.recipe.steps, pace.recipe.steps - rewind_step(pace.recipe)
    if job.dense:
        return steps * pace.dense
    kind = method(job.key.method).kind
    if kind == "sweep":
        return a_round * sum(pace.step(k) for k in range(1, len(BUDGETS)))
    if kind == "masked":
        return a_round * pace.dense * (len(BUDGETS) - 1)
    if job.key.method == "dense+":
        return 2 * steps * pace.dense
    if job.round is not None:
        return pace.step(job.round) * (steps + job.round * a_round)
    if job.key.method == "narrow+":
        return 0  # its rounds are jobs
    return a_round * sum(pace.step(k) for k in CONTROL_ROUNDS)
