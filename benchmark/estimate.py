"""About how long a plan will take here, from a few training steps of each reference model, timed now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import cast

import torch

from benchmark import plugins, protocol
from benchmark.budgets import BUDGETS, CONTROL_ROUNDS
from benchmark.jobs import Job
from benchmark.methods import method
from benchmark.task import Profile

FIXED = 0.15
"""Share of a dense step that does not shrink with the net: fetching rows, augmenting, scoring validation."""


def estimate(jobs: Sequence[Job], processes: int) -> float:
    """Seconds of wall clock for these jobs on that many processes, preparing data not counted."""
    torch.set_num_threads(1)
    steps = {kind: _seconds_a_step(*kind) for kind in {(job.key.task, job.key.profile) for job in jobs}}
    total = sum(steps[job.key.task, job.key.profile] * _dense_steps(job) for job in jobs)
    return total / max(1, min(processes, len(jobs)))


def _seconds_a_step(task_name: str, profile_name: str) -> float:
    task, profile = plugins.task(task_name), cast(Profile, profile_name)
    recipe = task.training(profile)
    model = task.model(profile).train()
    example = task.example(profile)
    rows = example.expand(recipe.batch, *example.shape[1:])
    begun = time.perf_counter()
    for timed in range(4):
        if timed == 1:  # the first step pays for set-up
            begun = time.perf_counter()
        model(rows).sum().backward()
    return (time.perf_counter() - begun) / 3


def _dense_steps(job: Job) -> float:
    """Steps of a job, in steps of the dense net's cost."""
    recipe = plugins.task(job.key.task).training(cast(Profile, job.key.profile))
    a_round = recipe.steps - protocol.rewind_step(recipe)
    if job.dense:
        return recipe.steps
    cost = {k: FIXED + (1 - FIXED) * budget for k, budget in enumerate(BUDGETS)}
    if method(job.key.method).kind == "sweep":
        return a_round * sum(cost[k] for k in range(1, len(BUDGETS)))
    if job.key.method == "dense+":
        return 2 * recipe.steps
    if job.key.method == "narrow+":
        return sum(cost[k] * (recipe.steps + k * a_round) for k in CONTROL_ROUNDS)
    return a_round * sum(cost[k] for k in CONTROL_ROUNDS)
