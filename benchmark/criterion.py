"""The contract of a criterion: what the author of `baselines/<name>.py` writes, and nothing else.

A criterion is one file. Its name is the file's name; the first line of its docstring is what `list` prints. It has

- `card`: a :class:`benchmark.task.Card`;
- `needs`: the evidence that it uses, a tuple of names out of :data:`EVIDENCE`;
- `score(group, evidence)`: one finite score a unit, as a tensor of shape (units,); higher means keep.

    \"\"\"Sum of the absolute weights that write a unit.\"\"\"
    from benchmark.task import Card

    card = Card(title="Magnitude", source="Han et al., NeurIPS 2015", licence="MIT")
    needs = ("weights",)

    def score(group, evidence):
        return sum(w.abs().sum(1) for w in evidence.weights)

The harness divides the scores of a group by the mean of their absolute values before it ranks units over all groups;
it breaks ties by seeded noise and refuses scores that cannot rank. It also runs the model: once a round, in evaluation
mode, on a fixed part of the validation split. A criterion never runs the model and never sees the test split.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.errors import CriterionError, UsageError
from benchmark.task import Card

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from benchmark.trimming import Group

EVIDENCE = ("weights", "gradients", "norms", "activations", "outputs", "targets", "taylor", "noise")


@dataclass(frozen=True)
class Activations:
    """Moments of a unit's output over all calibration rows and all places, each (units,) float64."""

    absolute: Tensor
    """Mean of |a|."""
    mean: Tensor
    variance: Tensor
    zeros: Tensor
    """Share of values that are exactly zero, 0 to 1."""


@dataclass(frozen=True)
class Evidence:
    """What a criterion may look at; a field that it did not declare in `needs` is None.

    The output of a unit is what the layers that read it are given: after norm, activation and pooling, at every place
    (time step, bin, both directions of a recurrent layer), in every layer that reads it.
    """

    weights: list[Tensor] | None = None
    """For each layer that writes the units (units, fan): the weights of one unit in one row, with all gates, layers
    and directions of a recurrent unit side by side; biases left out."""
    gradients: list[Tensor] | None = None
    """The same shapes: gradient by each weight of the mean loss over the calibration rows."""
    norms: list[Tensor] | None = None
    """For each norm that scales the units (units,): its |gain|. Empty where no norm does."""
    activations: Activations | None = None
    outputs: Tensor | None = None
    """(units, places, rows): the output at up to 8 fixed places, for each calibration row."""
    targets: Tensor | None = None
    """(rows,): what is to be said of each row. Integers are classes, floats a quantity; see `Task.target_summary`."""
    taylor: Tensor | None = None
    """(units, rows): sum over places of output times gradient of the row's loss by it. That is, to first order, what
    the loss of the row loses when the unit is cut."""
    noise: torch.Generator | None = None
    """Seeded by (run, round)."""


@dataclass(frozen=True)
class Criterion:
    """A criterion file, loaded and checked."""

    name: str
    card: Card
    needs: tuple[str, ...]
    function: Callable[[Group, Evidence], Tensor]

    def __post_init__(self) -> None:
        for need in self.needs:
            if need not in EVIDENCE:
                known = ", ".join(EVIDENCE)
                raise UsageError(f"criterion {self.name!r} needs {need!r}, which no one gathers; known: {known}")

    def __call__(self, group: Group, evidence: Evidence) -> Tensor:
        """The scores of one group, checked.

        Raises
        ------
        CriterionError
            The criterion raised, or gave another shape than (units,), or a score that is not finite.
        """
        import torch

        where = f"criterion {self.name!r} on group {group.name!r}"
        try:
            with torch.no_grad():
                scores = self.function(group, evidence)
        except Exception as error:
            raise CriterionError(f"{where} raised {type(error).__name__}: {error}") from error
        if not isinstance(scores, torch.Tensor) or scores.shape != (len(group),):
            got = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
            raise CriterionError(f"{where} gave {got}, wanted a tensor of shape ({len(group)},): one score a unit")
        scores = scores.detach().to(torch.float64)
        if not torch.isfinite(scores).all():
            raise CriterionError(f"{where} gave {int((~torch.isfinite(scores)).sum())} scores that are not finite")
        return scores
