"""The methods that a run can be of: criteria with a reset, and the controls that every table carries."""

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
}
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
        """`sweep` where units are cut round by round, else `control`."""
        return "sweep" if self.reset in ("rewind", "finetune") else "control"

    @property
    def needs(self) -> str | None:
        """The method whose widths this one takes, on the same seed."""
        return self.criterion if self.reset == "reinit" else None


def method(name: str) -> Method:
    """The method of that name: `narrow+`, `magnitude`, `magnitude-finetune`, `magnitude-reinit`.

    Raises
    ------
    UsageError
        No control and no criterion has the name.
    """
    if name in CONTROLS:
        return Method(name, CONTROLS[name])
    known = plugins.criteria()
    criterion, _, reset = name.partition("-")
    if criterion not in known or reset not in ("", "finetune", "reinit"):
        names = [*CONTROLS, *known, *(f"{c}-{r}" for c in known for r in ("finetune", "reinit"))]
        raise UsageError(f"no criterion or control {name!r}: {did_you_mean(name, names)}")
    summaries = {
        "": known[criterion].summary,
        "finetune": f"{criterion}, survivors go on from their trained weights",
        "reinit": f"the widths of {criterion}'s tickets from fresh weights, steps of one round",
    }
    return Method(name, summaries[reset], criterion, reset or "rewind")


def with_controls(names: Iterable[str]) -> list[Method]:
    """These methods and the controls that a table with them carries, each once; what others need comes first."""
    wanted = list(names)
    criteria = [m.criterion for m in map(method, wanted) if m.kind == "sweep" and m.criterion]
    if criteria:
        wanted += [FLOOR_CRITERION, *CONTROLS, *(f"{c}-reinit" for c in criteria)]
    return list({name: method(name) for name in wanted}.values())
