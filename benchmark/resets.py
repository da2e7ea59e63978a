"""What the survivors of a cut start their training from."""

from __future__ import annotations

from collections.abc import Callable

from benchmark.schedules import Choice
from benchmark.selection import Keep
from benchmark.setting import Setting, built, reinitialise, stream
from benchmark.training import State, snapshot

Reset = Callable[[Setting, Choice], State]


def rewind(setting: Setting, choice: Choice) -> State:
    """Their weights of the rewind step of the dense training: the standard."""
    return setting.coupling.plan(choice.keep).apply(setting.rewound)


def finetune(setting: Setting, choice: Choice) -> State:
    """The trained weights that they were chosen by."""
    dense = setting.coupling
    return dense.trimmed(choice.of.keep).plan(_renumbered(choice.of.keep, choice.keep)).apply(choice.of.state)


def fresh(setting: Setting, choice: Choice) -> State:
    """Fresh weights, so that only the widths of the net before are left of it (the papers' "reinit")."""
    model = built(setting, rewind(setting, choice))
    return snapshot(reinitialise(model, stream(setting.seed, "fresh", "init", choice.round)))


def _renumbered(before: Keep, after: Keep) -> Keep:
    """Units that stay, numbered as in the net that has `before`."""
    numbers = {name: {unit: i for i, unit in enumerate(units)} for name, units in before.items()}
    return {name: [numbers[name][unit] for unit in units] for name, units in after.items()}
