"""Protocol version 1, "lottery trimming": dense -> [score -> cut -> rewind -> train]*, and what it is compared with.

The rounds follow P. Esling et al., ISMIR 2020 and DAFx-20, with structured cuts of coupled units (`trimming`), budgets
in parameters, a minimum width and one number of steps a round. `sweep`, `masked` and `masking` differ only in the net
that a round begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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
from benchmark.trimming.masking import Masks, hold, unit_mask, weight_floor, weight_mask

VERSION = 1

Reset = Literal["rewind", "finetune"]
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

    @property
    def sparsest(self) -> int:
        """Parameters that are not zero when as many single weights as may be are held at zero."""
        return weight_floor(self.dense.state, self.coupling.learnable)

    @property
    def rewound(self) -> State:
        """The dense weights of the rewind step."""
        if self.dense.kept is None:
            raise ValueError("the dense fit kept no state to rewind to")
        return self.dense.kept


@dataclass(frozen=True)
class Point:
    """A trained net of one round."""

    round: int
    keep: Keep
    """Units of the dense net that it holds (for controls: how many of each group; their numbers mean nothing)."""
    model: nn.Module
    fit: Fit


Last = tuple[int, Keep, State]
"""Number, units and trained weights of the last round of a sweep that was broken off."""


def rewind_step(recipe: Training) -> int:
    """The step before which weights are kept for rewinding."""
    return round(recipe.rewind * recipe.steps)


def train_dense(task: Task, data: Data, profile: Profile, seed: int, on_check: OnCheck) -> Fit:
    """Train the reference model of a task; shared by every method on that seed."""
    recipe = task.training(profile)
    model = reference(task, profile, stream(seed, "init"))
    return fit(task, model, data, recipe, seed=stream(seed, "dense"), keep=rewind_step(recipe), on_check=on_check)


def sweep(
    setting: Setting, criterion: Criterion, reset: Reset, on_check: OnCheck, last: Last | None = None
) -> Iterator[Point]:
    """The rounds of a criterion, each yielded when it is trained, until the floor does not fit the next budget.

    `last` is where an interrupted sweep goes on.
    """
    dense = setting.coupling

    def begin(k: int, keep: Keep, trained: State) -> _Start:
        left = _select(setting, criterion, k, keep, trained)
        if reset == "rewind":
            return _Start(left, dense.plan(left).apply(setting.rewound))
        return _Start(left, dense.trimmed(keep).plan(_renumbered(keep, left)).apply(trained))

    yield from _rounds(setting, setting.reachable, begin, on_check, last)


def masked(setting: Setting, criterion: Criterion, on_check: OnCheck, last: Last | None = None) -> Iterator[Point]:
    """The sweep with rewinding, its units held at zero instead of cut: the same function at the cost of dense."""
    dense = setting.coupling

    def begin(k: int, keep: Keep, trained: State) -> _Start:
        left = _select(setting, criterion, k, keep, dense.plan(keep).apply(trained))
        return _Start(left, setting.rewound, unit_mask(dense, left))

    yield from _rounds(setting, setting.reachable, begin, on_check, last)


def masking(setting: Setting, on_check: OnCheck, last: Last | None = None) -> Iterator[Point]:
    """The classical lottery ticket: the smallest weights of the trained net held at zero, the others rewound.

    Its non-zeros hold the budget of the round; it ends where biases, norms and one weight a tensor do not.
    """
    learnable, least = setting.coupling.learnable, setting.sparsest

    def begin(k: int, keep: Keep, trained: State) -> _Start:
        return _Start(keep, setting.rewound, weight_mask(trained, learnable, setting.budget(k)))

    yield from _rounds(setting, lambda k: least <= setting.budget(k), begin, on_check, last)


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
    return load(setting.task.model(setting.profile), state, setting.coupling.stored)


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


@dataclass(frozen=True)
class _Start:
    """The net that a round begins with."""

    keep: Keep
    state: State
    masks: Masks = field(default_factory=dict)
    """What is zero and stays so."""


def _rounds(
    setting: Setting,
    fits: Callable[[int], bool],
    begin: Callable[[int, Keep, State], _Start],
    on_check: OnCheck,
    last: Last | None,
) -> Iterator[Point]:
    """Round after round from the trained net of the one before, while the budget fits."""
    every_unit = {group.name: list(range(len(group))) for group in setting.coupling.groups}
    number, keep, trained = last or (0, every_unit, setting.dense.state)
    for k in range(number + 1, len(BUDGETS)):
        if not fits(k):
            return
        point = _train(setting, k, begin(k, keep, trained), on_check)
        keep, trained = point.keep, point.fit.state
        yield point


def _select(setting: Setting, criterion: Criterion, k: int, keep: Keep, trained: State) -> Keep:
    """The units that stay in round k, by the trained weights of the units that are there."""
    scores = score_units(setting.coupling.trimmed(keep), trained, criterion, stream(setting.seed, "score", k))
    return cut(setting.coupling, keep, scores, setting.budget(k))


def _train(setting: Setting, k: int, start: _Start, on_check: OnCheck) -> Point:
    model = built(setting, start.state)
    hold(model, start.masks)
    fitted = fit(
        setting.task,
        model,
        setting.data,
        setting.recipe,
        seed=stream(setting.seed, "round", k),
        start=setting.rewind_step,
        on_check=on_check,
        after_step=lambda trained: hold(trained, start.masks),
    )
    return Point(k, start.keep, model, fitted)


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


def _renumbered(before: Keep, after: Keep) -> Keep:
    """Units that stay, numbered as in the net that has `before`."""
    numbers = {name: {unit: i for i, unit in enumerate(units)} for name, units in before.items()}
    return {name: [numbers[name][unit] for unit in units] for name, units in after.items()}
