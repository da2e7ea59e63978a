"""The methods that a run can be of: criteria, alone or in a variant, and the controls that they are held against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchmark import plugins
from benchmark.errors import UsageError, did_you_mean

CONTROLS: dict[str, str] = {
    "narrow": "the reference uniformly narrower, from scratch, steps of one round",
    "narrow-again": "the same trained a second time: training noise",
    "narrow+": "the same with all the steps that the ticket has had",
    "dense+": "the dense net with twice the steps",
    "masking": "the smallest single weights held at zero, the others rewound: the classical lottery ticket",
}
VARIANTS: dict[str, str] = {
    "finetune": "its survivors go on from their trained weights",
    "reinit": "the widths of its tickets from fresh weights, steps of one round",
    "masked": "its units held at zero instead of cut, at the cost of dense",
}
"""Of any criterion: the name after the dash, and what is done."""
ON_REQUEST = ("masking",)
"""Controls of which every round costs what dense costs: done where they are asked for."""
FLOOR_CRITERION = "random"
"""The criterion that any other has to beat; it goes along with every criterion as a control."""


@dataclass(frozen=True)
class Method:
    """What a run does."""

    name: str
    summary: str
    criterion: str | None = None
    reset: str | None = None

    @property
    def kind(self) -> str:
        """`sweep` where units are cut round by round, `masked` where what goes is held at zero, else `control`."""
        if self.reset in ("rewind", "finetune"):
            return "sweep"
        return "masked" if self.reset == "masked" or self.name == "masking" else "control"

    @property
    def needs(self) -> str | None:
        """The method whose widths this one takes, on the same seed."""
        return self.criterion if self.reset == "reinit" else None


def method(name: str) -> Method:
    """The method of that name: `narrow+`, `magnitude`, `magnitude-finetune`.

    Raises
    ------
    UsageError
        No control and no criterion has the name.
    """
    if name in CONTROLS:
        return Method(name, CONTROLS[name])
    known = plugins.criteria()
    if name in known:
        return Method(name, known[name].summary, name, "rewind")
    criterion, _, variant = name.rpartition("-")
    if criterion not in known or variant not in VARIANTS:
        raise UsageError(f"no criterion or control {name!r}: {did_you_mean(name, names())}")
    return Method(name, f"{criterion}: {VARIANTS[variant]}", criterion, variant)


def names() -> list[str]:
    """Every method that there is."""
    known = plugins.criteria()
    return [*CONTROLS, *known, *(f"{criterion}-{variant}" for criterion in known for variant in VARIANTS)]


def with_controls(wanted: Iterable[str]) -> list[Method]:
    """These methods and the controls that a table with them carries, each once; what others need comes first."""
    wanted = list(wanted)
    criteria = [m.criterion for m in map(method, wanted) if m.kind == "sweep" and m.criterion]
    if criteria:
        usual = (name for name in CONTROLS if name not in ON_REQUEST)
        wanted += [FLOOR_CRITERION, *usual, *(f"{c}-reinit" for c in criteria)]
    return list({name: method(name) for name in wanted}.values())
