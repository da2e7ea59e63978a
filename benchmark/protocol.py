"""Protocol version 1, "lottery trimming": dense -> [score -> cut -> rewind -> train]*, and what it is compared with.

The rounds follow P. Esling et al., ISMIR 2020 and DAFx-20, with structured cuts of coupled units (`trimming`), budgets
in parameters, a minimum width and one number of steps a round. `sweep`, `masked`, `hybrid` and `masking` differ only in
the net that a round begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from torch import nn

from benchmark.budgets import BUDGETS
from benchmark.resets import Reset, finetune, rewind
from benchmark.schedules import Selection, half_way
from benchmark.selection import Keep, uniform_widths
from benchmark.setting import Net, Setting, built, reference, reinitialise, rewind_step, stream
from benchmark.task import Data, Profile, Task, Training
from benchmark.training import Fit, State, fit
from benchmark.trimming.masking import Masks, hold, unit_mask, weight_floor, weight_mask

VERSION = 1

OnCheck = Callable[[int, float], None]

Last = tuple[int, Keep, State]
"""What :class:`benchmark.setting.Net` holds, of the last round of a sweep that was broken off."""


@dataclass(frozen=True)
class Point:
    """A trained net of one round."""

    round: int
    keep: Keep
    """Units of the dense net that it holds (for controls: how many of each group; their numbers mean nothing)."""
    model: nn.Module
    fit: Fit


@dataclass(frozen=True)
class _Start:
    """The net that a round begins with."""

    round: int
    keep: Keep
    state: State
    masks: Masks = field(default_factory=dict)
    """What is zero and stays so."""


def train_dense(
    task: Task, data: Data, profile: Profile, seed: int, on_check: OnCheck, recipe: Training | None = None
) -> Fit:
    """Train the reference model of a task; shared by every method on that seed."""
    recipe = recipe or task.training(profile)
    model = reference(task, profile, stream(seed, "init"))
    return fit(task, model, data, recipe, seed=stream(seed, "dense"), keep=rewind_step(recipe), on_check=on_check)


def sweep(
    setting: Setting, selection: Selection, reset: Reset, on_check: OnCheck, last: Last | None = None
) -> Iterator[Point]:
    """The rounds of a criterion, each yielded when it is trained, until the floor does not fit the next budget.

    `last` is where an interrupted sweep goes on.
    """

    def begin(net: Net) -> _Start | None:
        choice = selection.next(setting, net)
        return None if choice is None else _Start(choice.round, choice.keep, reset(setting, choice))

    yield from _rounds(setting, begin, on_check, last)


def masked(setting: Setting, selection: Selection, on_check: OnCheck, last: Last | None = None) -> Iterator[Point]:
    """The sweep with rewinding, its units held at zero instead of cut: the same function at the cost of dense."""
    dense = setting.coupling

    def begin(net: Net) -> _Start | None:
        choice = selection.next(setting, net._replace(state=dense.plan(net.keep).apply(net.state)))
        if choice is None:
            return None
        return _Start(choice.round, choice.keep, setting.rewound, unit_mask(dense, choice.keep))

    yield from _rounds(setting, begin, on_check, last)


def hybrid(setting: Setting, selection: Selection, on_check: OnCheck, last: Last | None = None) -> Iterator[Point]:
    """The sweep with rewinding, half of it cut and half masked: units go until the root of the budget is left.

    Then the smallest trained weights of what is left are held at zero until the non-zeros hold the budget.
    """
    learnable = setting.coupling.learnable

    def begin(net: Net) -> _Start | None:
        choice = replace(selection, schedule=half_way).next(setting, net)
        if choice is None:
            return None
        trained = finetune(setting, choice)
        if weight_floor(trained, learnable) > setting.budget(choice.round):
            return None
        masks = weight_mask(trained, learnable, setting.budget(choice.round))
        return _Start(choice.round, choice.keep, rewind(setting, choice), masks)

    yield from _rounds(setting, begin, on_check, last)


def masking(setting: Setting, on_check: OnCheck, last: Last | None = None) -> Iterator[Point]:
    """The classical lottery ticket: the smallest weights of the trained net held at zero, the others rewound.

    Its non-zeros hold the budget of the round; it ends where biases, norms and one weight a tensor do not.
    """
    learnable, least = setting.coupling.learnable, sparsest(setting)

    def begin(net: Net) -> _Start | None:
        k = net.round + 1
        if k >= len(BUDGETS) or least > setting.budget(k):
            return None
        return _Start(k, net.keep, setting.rewound, weight_mask(net.state, learnable, setting.budget(k)))

    yield from _rounds(setting, begin, on_check, last)


def sparsest(setting: Setting) -> int:
    """Parameters that are not zero when as many single weights as may be are held at zero."""
    return weight_floor(setting.dense.state, setting.coupling.learnable)


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


def uniform(setting: Setting, k: int) -> Keep:
    """The units of the uniformly narrower net of round k."""
    return _first(uniform_widths(setting.coupling, setting.budget(k)))


def reinit(setting: Setting, widths: Mapping[int, Mapping[str, int]], on_check: OnCheck) -> Iterator[Point]:
    """The exact widths of a criterion's tickets (round -> group -> units), from fresh weights, steps of one round."""
    yield from _from_scratch(setting, "reinit", widths, _one_round(setting), on_check)


def dense_plus(setting: Setting, rounds: Iterable[int], on_check: OnCheck) -> Iterator[Point]:
    """The dense net with twice the steps: if it gains, the reference was undertrained."""
    widths = dict.fromkeys(rounds, setting.coupling.widths)
    yield from _from_scratch(setting, "dense+", widths, lambda k: 2 * setting.recipe.steps, on_check)


def _rounds(
    setting: Setting, begin: Callable[[Net], _Start | None], on_check: OnCheck, last: Last | None
) -> Iterator[Point]:
    """Round after round from the trained net of the one before, while there is one to begin with."""
    net = Net(*last) if last else setting.whole
    while (start := begin(net)) is not None:
        point = _train(setting, start, on_check)
        net = Net(point.round, point.keep, point.fit.state)
        yield point


def _train(setting: Setting, start: _Start, on_check: OnCheck) -> Point:
    model = built(setting, start.state)
    hold(model, start.masks)
    fitted = fit(
        setting.task,
        model,
        setting.data,
        setting.recipe,
        seed=stream(setting.seed, "round", start.round),
        start=setting.rewind_step,
        on_check=on_check,
        after_step=lambda trained: hold(trained, start.masks),
    )
    return Point(start.round, start.keep, model, fitted)


def _from_scratch(
    setting: Setting,
    method: str,
    widths: Mapping[int, Mapping[str, int]],
    steps: Callable[[int], int],
    on_check: OnCheck,
) -> Iterator[Point]:
    for k, width in widths.items():
        keep = _first(width)
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


def _first(widths: Mapping[str, int]) -> Keep:
    return {group: list(range(units)) for group, units in widths.items()}


def _one_round(setting: Setting) -> Callable[[int], int]:
    return lambda k: setting.round_steps
