"""The methods that a run can be of: criteria, alone or in variants, and the controls that they are held against.

A name is a criterion and, each after a dash, what is done otherwise than the standard: `magnitude-local-finetune`.
"""

from __future__ import annotations

import re
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
    "local": "every group loses the same share of its units, not the lowest scores of all groups",
    "unscaled": "scores of different groups are compared as they are",
    "maxscaled": "scores are divided by the largest of their group, not by the mean",
    "dimscaled": "scores are divided by the weights that a unit has, not by the mean of their group",
    "oneshot": "every round cuts the dense net, not the net of the round before",
    "units<percent>": "this share of the units goes in a round, not 30 % of the parameters",
    "finetune": "its survivors go on from their trained weights",
    "rewind<percent>": "its survivors are rewound to that share of the dense training, and trained from there",
    "fresh": "its survivors begin from fresh weights in every round, and are trained in full",
    "reinit": "the widths of its tickets from fresh weights, steps of one round",
    "masked": "its units held at zero instead of cut, at the cost of dense",
    "hybrid": "half of a budget is cut units, the rest single weights held at zero",
}
"""Of any criterion: the name after the dash, and what is done. Several in this order, but one for each aspect."""
ASPECTS: dict[str, tuple[str, ...]] = {
    "local": ("scope",),
    **dict.fromkeys(("unscaled", "maxscaled", "dimscaled"), ("scale",)),
    **dict.fromkeys(("oneshot", "units<percent>"), ("schedule",)),
    **dict.fromkeys(("finetune", "rewind<percent>", "fresh", "reinit", "masked"), ("reset",)),
    "hybrid": ("schedule", "reset"),
}
"""What a variant is about."""
STANDARD = {"scope": "global", "scale": "mean", "schedule": "geometric", "reset": "rewind"}
"""What a criterion's name alone stands for."""
NUMBERED = {"units<percent>": r"units[1-9]\d?", "rewind<percent>": r"rewind(?:0|[1-9]\d?)"}
"""How the variants that have a number are written."""
EXAMPLES = {"units<percent>": ("units25", "units30"), "rewind<percent>": ("rewind0", "rewind50")}
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
    """`rewind`, or the variant that it is replaced by."""
    scope: str = STANDARD["scope"]
    scale: str = STANDARD["scale"]
    schedule: str = STANDARD["schedule"]

    @property
    def kind(self) -> str:
        """`sweep` where units are cut round by round, `masked` where budgets are of non-zeros, else `control`."""
        if self.name == "masking" or self.reset in ("masked", "hybrid"):
            return "masked"
        return "control" if self.reset in (None, "reinit") else "sweep"

    @property
    def needs(self) -> str | None:
        """The method whose widths this one takes, on the same seed."""
        return self.name.removesuffix("-reinit") if self.reset == "reinit" else None


def method(name: str) -> Method:
    """The method of that name: `narrow+`, `magnitude`, `magnitude-local-finetune`.

    Raises
    ------
    UsageError
        No control and no criterion has the name, or its variants contradict each other.
    """
    if name in CONTROLS:
        return Method(name, CONTROLS[name])
    criterion, *variants = name.split("-")
    known = plugins.criteria()
    kinds = [_kind(variant) for variant in variants]
    if criterion not in known or None in kinds:
        raise UsageError(f"no criterion or control {name!r}: {did_you_mean(name, names())}")
    if not variants:
        return Method(name, known[name].summary, name, **STANDARD)
    found = [kind for kind in kinds if kind is not None]
    aspects = [aspect for kind in found for aspect in ASPECTS[kind]]
    if twice := {aspect for aspect in aspects if aspects.count(aspect) > 1}:
        raise UsageError(f"{name!r} asks for two kinds of {' and '.join(sorted(twice))}: name one")
    order = list(VARIANTS)
    ranked = sorted(range(len(found)), key=lambda i: order.index(found[i]))
    if ranked != sorted(ranked):
        right = "-".join([criterion, *(variants[i] for i in ranked)])
        raise UsageError(f"{name!r} is written {right!r}, so that a method has one name")
    chosen = {ASPECTS[kind][-1]: variant for kind, variant in zip(found, variants, strict=True)}
    return Method(name, f"{criterion}: {'; '.join(VARIANTS[kind] for kind in found)}", criterion, **STANDARD | chosen)


def exists(name: str) -> bool:
    """Whether there is a method of that name."""
    try:
        method(name)
    except UsageError:
        return False
    return True


def names() -> list[str]:
    """Every method that there is, but for combinations of variants."""
    known = plugins.criteria()
    variants = [example for variant in VARIANTS for example in EXAMPLES.get(variant, (variant,))]
    return [*CONTROLS, *known, *(f"{criterion}-{variant}" for criterion in known for variant in variants)]


def share(variant: str) -> float:
    """The number in the name of a variant: 0.3 of `units30`."""
    return int(re.sub(r"\D", "", variant)) / 100


def with_controls(wanted: Iterable[str]) -> list[Method]:
    """These methods and the controls that a table with them carries, each once; what others need comes first."""
    wanted = list(wanted)
    sweeps = [m for m in map(method, wanted) if m.kind == "sweep"]
    if sweeps:
        usual = (name for name in CONTROLS if name not in ON_REQUEST)
        wanted += [FLOOR_CRITERION, *usual, *(f"{m.name}-reinit" for m in sweeps if m.reset == STANDARD["reset"])]
    return list({name: method(name) for name in wanted}.values())


def _kind(variant: str) -> str | None:
    """The entry of VARIANTS that a part of a name is of."""
    return next((kind for kind in VARIANTS if re.fullmatch(NUMBERED.get(kind, kind), variant)), None)
