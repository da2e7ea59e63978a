"""What all methods on one (task, data, profile, seed) share, and nets made from it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import torch
from torch import nn

from benchmark.budgets import BUDGETS
from benchmark.evidence import Calibration, calibration
from benchmark.selection import Keep, floor
from benchmark.task import Data, Profile, Task, Training
from benchmark.training import Fit, State
from benchmark.trimming import Coupling, load


class Net(NamedTuple):
    """A trained net: the round that it is of, its units in numbers of the dense net, its weights."""

    round: int
    keep: Keep
    state: State


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
    def whole(self) -> Net:
        """The dense net, as the net of round 0."""
        every_unit = {group.name: list(range(len(group))) for group in self.coupling.groups}
        return Net(0, every_unit, self.dense.state)

    @property
    def rewound(self) -> State:
        """The dense weights of the rewind step."""
        if self.dense.kept is None:
            raise ValueError("the dense fit kept no state to rewind to")
        return self.dense.kept

    @property
    def calibration(self) -> Calibration:
        """The rows that evidence is gathered on."""
        return calibration(self.task, self.data.validation, self.recipe.batch, stream(self.seed, "calibration"))


def rewind_step(recipe: Training) -> int:
    """The step before which weights are kept for rewinding."""
    return round(recipe.rewind * recipe.steps)


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
