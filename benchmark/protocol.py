"""Protocol version 1, "lottery trimming": dense -> [score -> cut -> rewind -> train]*, and what it is compared with.

The rounds follow P. Esling et al., ISMIR 2020 and DAFx-20, with structured cuts of coupled units (`trimming`), budgets
in parameters, a minimum width and one number of steps a round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import torch
from torch import nn

from benchmark.budgets import BUDGETS
from benchmark.criterion import Criterion
from benchmark.selection import Keep, cut, floor, score_units, uniform_widths
from benchmark.task import Data, Profile, Task, Training
from benchmark.training import Fit, State, fit
from benchmark.trimming import Coupling, load

VERSION = 1

Reset = Literal["rewind", "finetune"]
RESETS: tuple[Reset, ...] = ("rewind", "finetune")
OnCheck = Callable[[int, float], None]


@dataclass(frozen=True)
class Setting:
    """What all methods on one (task, data, profile, seed) share."""

    task: Task
    data: Data
    profile: Profile
    seed: int
    recipe: Training
    dense: Fit
    """The dense net, trained; `kept` is what survivors are rewound to."""
    coupling: Coupling
    """Of the dense net."""

    @property
    def parameters(self) -> int:
        """Learnable parameters of the dense net."""
        return self.coupling.parameters()

    @property
    def rewind_step(self) -> int:
        """The step whose weights survivors are rewound to."""
        return rewind_step(self.recipe)

    @property
    def round_steps(self) -> int:
        """Training steps of every round, the same for every size."""
        return self.recipe.steps - self.rewind_step

    def budget(self, k: int) -> int:
        """Parameters that a net of round k may hold."""
        return int(BUDGETS[k] * self.parameters)

    def reachable(self, k: int) -> bool:
        """Whether the minimum widths and the protected layers fit into the budget of round k."""
        return floor(self.coupling) <= self.budget(k)


@dataclass(frozen=True)
class Point:
    """A trained net of one round."""

    round: int
    keep: Keep
    """Units of the dense net that it holds (for controls: how many of each group; their numbers mean nothing)."""
    model: nn.Module
    fit: Fit


def rewind_step(recipe: Training) -> int:
    """The step before which weights are kept for rewinding."""
    return round(recipe.rewind * recipe.steps)


def train_dense(task: Task, data: Data, profile: Profile, seed: int, on_check: OnCheck) -> Fit:
    """Train the reference model of a task; shared by every method on that seed."""
    recipe = task.training(profile)
    model = reference(task, profile, stream(seed, "init"))
    return fit(task, model, data, recipe, seed=stream(seed, "dense"), keep=rewind_step(recipe), on_check=on_check)


def sweep(
    setting: Setting,
    criterion: Criterion,
    reset: Reset,
    on_check: OnCheck,
    last: tuple[int, Keep, State] | None = None,
) -> Iterator[Point]:
    """The rounds of a criterion, each yielded when it is trained, until the floor does not fit the next budget.

    `last` is where an interrupted sweep goes on: number, units and trained weights of its last round.
    """
    dense = setting.coupling
    every_unit = {group.name: list(range(len(group))) for group in dense.groups}
    number, keep, trained = last or (0, every_unit, setting.dense.state)
    for k in range(number + 1, len(BUDGETS)):
        if not setting.reachable(k):
            return
        current = dense.trimmed(keep)
        scores = score_units(current, trained, criterion, stream(setting.seed, "score", k))
        before, keep = keep, cut(dense, keep, scores, setting.budget(k))
        if reset == "rewind":
            start = dense.plan(keep).apply(_rewind_state(setting))
        else:
            start = current.plan(_renumbered(before, keep)).apply(trained)
        point = _train(setting, k, keep, start, on_check)
        trained = point.fit.state
        yield point


def narrow(setting: Setting, rounds: Iterable[int], on_check: OnCheck) -> Iterator[Point]:
    """The reference model uniformly narrower, from scratch, with the steps of one round."""
    yield from _from_scratch(setting, "narrow", _uniform(setting, rounds), _one_round(setting), on_check)


def narrow_again(setting: Setting, rounds: Iterable[int], on_check: OnCheck) -> Iterator[Point]:
    """`narrow` with another initialisation and order of the data: what differs is training noise."""
    yield from _from_scratch(setting, "narrow-again", _uniform(setting, rounds), _one_round(setting), on_check)


def narrow_plus(setting: Setting, rounds: Iterable[int], on_check: OnCheck) -> Iterator[Point]:
    """`narrow` with all the steps that the ticket of that round has had: dense and every round up to it."""

    def steps(k: int) -> int:
        return setting.recipe.steps + k * setting.round_steps

    yield from _from_scratch(setting, "narrow+", _uniform(setting, rounds), steps, on_check)


def reinit(setting: Setting, widths: Mapping[int, Mapping[str, int]], on_check: OnCheck) -> Iterator[Point]:
    """The exact widths of a criterion's tickets (round -> group -> units), from fresh weights, steps of one round."""
    yield from _from_scratch(setting, "reinit", widths, _one_round(setting), on_check)


def dense_plus(setting: Setting, rounds: Iterable[int], on_check: OnCheck) -> Iterator[Point]:
    """The dense net with twice the steps: if it gains, the reference was undertrained."""
    widths = dict.fromkeys(rounds, setting.coupling.widths)
    yield from _from_scratch(setting, "dense+", widths, lambda k: 2 * setting.recipe.steps, on_check)


def stream(seed: int, *purpose: object) -> int:
    """A seed for one purpose, independent of all others and of what was run before."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(sha256(text.encode()).digest()[:6], "big")


def reference(task: Task, profile: Profile, seed: int) -> nn.Module:
    """A fresh reference model."""
    torch.manual_seed(seed)
    return task.model(profile)


def built(setting: Setting, state: State) -> nn.Module:
    """The reference model with the widths and values of a state."""
    return load(setting.task.model(setting.profile), state)


def reinitialise(model: nn.Module, seed: int) -> nn.Module:
    """Fresh weights by each layer's own `reset_parameters`, for the widths that it has now."""
    torch.manual_seed(seed)
    for module in model.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
        elif any(True for _ in module.parameters(recurse=False)):
            raise TypeError(f"{type(module).__name__} has parameters but no reset_parameters()")
    return model


def _train(setting: Setting, k: int, keep: Keep, start: State, on_check: OnCheck) -> Point:
    model = built(setting, start)
    fitted = fit(
        setting.task,
        model,
        setting.data,
        setting.recipe,
        seed=stream(setting.seed, "round", k),
        start=setting.rewind_step,
        on_check=on_check,
    )
    return Point(k, keep, model, fitted)


def _from_scratch(
    setting: Setting,
    method: str,
    widths: Mapping[int, Mapping[str, int]],
    steps: Callable[[int], int],
    on_check: OnCheck,
) -> Iterator[Point]:
    for k, width in widths.items():
        keep = {group: list(range(units)) for group, units in width.items()}
        model = built(setting, setting.coupling.plan(keep).apply(setting.dense.state))
        reinitialise(model, stream(setting.seed, method, "init", k))
        fitted = fit(
            setting.task,
            model,
            setting.data,
            setting.recipe,
            seed=stream(setting.seed, method, k),
            steps=steps(k),
            on_check=on_check,
        )
        yield Point(k, keep, model, fitted)


def _uniform(setting: Setting, rounds: Iterable[int]) -> dict[int, dict[str, int]]:
    return {k: uniform_widths(setting.coupling, setting.budget(k)) for k in rounds if setting.reachable(k)}


def _one_round(setting: Setting) -> Callable[[int], int]:
    return lambda k: setting.round_steps


def _rewind_state(setting: Setting) -> State:
    if setting.dense.kept is None:
        raise ValueError("the dense fit kept no state to rewind to")
    return setting.dense.kept


def _renumbered(before: Keep, after: Keep) -> Keep:
    """Units that stay, numbered as in the net that has `before`."""
    numbers = {name: {unit: i for i, unit in enumerate(units)} for name, units in before.items()}
    return {name: [numbers[name][unit] for unit in units] for name, units in after.items()}
