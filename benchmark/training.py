"""One training loop for all tasks, all methods and all rounds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmark.errors import BenchError
from benchmark.task import Data, Evaluation, Split, Task, Training

State = dict[str, Tensor]

REWARM = 0.02
"""Warm-up of a round, as a fraction of all steps: Adam's moments are fresh, so the first steps must be small."""


@dataclass(frozen=True)
class Fit:
    """What training gave: the state of the check with the best validation score, and what led to it."""

    state: State
    kept: State | None
    """The state before step `keep`, for rewinding; None where none was asked for."""
    best_step: int
    validation: float
    steps: int
    seconds: float


def snapshot(model: nn.Module) -> State:
    """A copy of the model's state that later training does not touch."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


@torch.no_grad()
def predict(model: nn.Module, split: Split, rows_at_once: int = 256) -> Tensor:
    """Outputs (rows, ...) for every row of a split in order, in eval mode; the mode is put back."""
    was_training = model.training
    model.eval()
    outputs = [model(split.batch(rows).inputs) for rows in torch.arange(len(split)).split(rows_at_once)]
    model.train(was_training)
    return torch.cat(outputs)


def evaluate(task: Task, model: nn.Module, split: Split) -> Evaluation:
    """The task's scores of a model on a split."""
    return task.evaluate(predict(model, split), split)


@torch.no_grad()
def test(task: Task, model: nn.Module, split: Split) -> Evaluation:
    """The task's last word on a trained model."""
    was_training = model.training
    model.eval()
    evaluation = task.test(model, predict(model, split), split)
    model.train(was_training)
    return evaluation


def fit(
    task: Task,
    model: nn.Module,
    data: Data,
    recipe: Training,
    *,
    seed: int,
    steps: int | None = None,
    start: int = 0,
    keep: int | None = None,
    on_check: Callable[[int, float], None] = lambda step, score: None,
    after_step: Callable[[nn.Module], None] = lambda model: None,
) -> Fit:
    """Train a model in place on steps `start` to `steps` of one cosine, and leave it in its best state.

    The same seed, model and data give the same result on the same machine and versions, whatever was run before.

    Parameters
    ----------
    steps
        Length of the whole schedule (default: the recipe's).
    start
        First step; later than 0 for a rewound net, which goes on where its weights were on the schedule.
    keep
        The step before which the state is kept for rewinding.
    on_check
        Called with (step, validation score) at each of the recipe's checks.
    after_step
        Called with the model after every step of the optimizer, before any check.

    Raises
    ------
    BenchError
        The loss is not finite.
    """
    total = recipe.steps if steps is None else steps
    begun = time.perf_counter()
    torch.manual_seed(seed)
    augment = torch.Generator().manual_seed(seed)
    rows = _endless_batches(task, data.train, recipe.batch, torch.Generator().manual_seed(seed))
    optimizer = _optimizer(model, recipe)
    checks = _check_steps(start, total, recipe.checks)
    primary = task.metrics[0]
    sign = 1 if primary.higher_is_better else -1
    best: tuple[float, int, State] | None = None
    kept = None
    model.train()
    for step in range(start, total):
        if step == keep:
            kept = snapshot(model)
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * _schedule(step, start, total, recipe.warmup)
        batch = task.augment(data.train.batch(next(rows)), augment)
        loss = task.loss(model(batch.inputs), batch.targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        after_step(model)
        if step + 1 in checks:
            if not math.isfinite(loss.item()):
                raise BenchError(f"training diverged: the loss is {loss.item()} at step {step + 1}")
            score = evaluate(task, model, data.validation).scores[primary.id]
            if best is None or sign * score >= sign * best[0]:
                best = (score, step + 1, snapshot(model))
            on_check(step + 1, score)
    if best is None:
        raise BenchError(f"nothing to train: step {start} is not before step {total}")
    model.load_state_dict(best[2])
    return Fit(best[2], kept, best[1], best[0], total - start, time.perf_counter() - begun)


def _optimizer(model: nn.Module, recipe: Training) -> torch.optim.Optimizer:
    """AdamW; norms and biases are not decayed, since shrinking them is no regularisation of the function."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.dim() > 1]
    vectors = [p for p in model.parameters() if p.requires_grad and p.dim() <= 1]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=recipe.learning_rate, fused=True)


def _schedule(step: int, start: int, total: int, warmup: float) -> float:
    warm = max(1, round((warmup if start == 0 else REWARM) * total))
    return min(1.0, (step - start + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / total))


def _check_steps(start: int, total: int, checks: int) -> frozenset[int]:
    return frozenset(start + math.ceil((total - start) * (i + 1) / checks) for i in range(checks))


def _endless_batches(task: Task, split: Split, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers, batch by batch, pass after pass; a pass's ragged rest is dropped (batch norm needs full batches)."""
    usable = task.rows(split)
    pool = torch.arange(len(split)) if usable is None else torch.as_tensor(usable, dtype=torch.int64)
    if len(pool) < size:
        raise BenchError(f"{len(pool)} training rows are fewer than one batch of {size}")
    while True:
        order = pool[torch.randperm(len(pool), generator=generator)]
        yield from order[: len(order) // size * size].split(size)
