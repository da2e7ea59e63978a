"""What the leaderboard says, as data: one section a (task, data, profile), one row a method, one cell a net."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.leaderboard.runs import Rules
from benchmark.leaderboard.statistics import Comparison, Interval, Lossless, Noise

if TYPE_CHECKING:
    from benchmark.leaderboard.boards import Boards
    from benchmark.leaderboard.measures import Measured

RANDOM = "random"
"""The criterion that any other has to beat."""
NARROW = "narrow+"
"""The control that any ticket has to beat."""
DENSE_PLUS = "dense+"
"""The dense net with more steps."""


@dataclass(frozen=True)
class Cell:
    """One method's net of one round. Figures are means over seeds, None unless every seed of the method has it."""

    round: int
    asked: float
    """The budget as a fraction of the dense parameters."""
    have: int
    """Seeds that have it ..."""
    of: int
    """... of so many that the method has."""
    score: Interval | None = None
    reached: float | None = None
    parameters: float | None = None
    macs: float | None = None
    bytes: float | None = None
    latency_ratio: tuple[float, float, float] | None = None
    """CPU time over dense: lower quartile, median, upper quartile, each the median over seeds."""
    multiplier: Interval | None = None
    """Error over that of dense, where the score is an error (lower is better): the second paper's measure."""


@dataclass(frozen=True)
class Row:
    """One method."""

    method: str
    kind: str
    """`sweep`; `masked`, a sweep that holds at zero what it would cut and saves nothing; or `control`."""
    criterion: str | None
    reset: str | None
    status: str
    """`complete`, or what is missing."""
    rank: int | None
    """Equal for methods with the same lossless round. None: not complete, other data, or no sweep that cuts."""
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    lossless: Lossless | None
    best: Cell | None
    """The net with the best mean: chosen by it, so a little flattered."""
    against_random: Comparison | None
    """Mean over the curve, against random units with the same reset."""
    against_narrow: Comparison | None
    """Mean over the control budgets, against a narrow net with as many steps."""

    def cell(self, k: int) -> Cell | None:
        """The cell of round k."""
        return next((c for c in self.cells if c.round == k), None)


@dataclass(frozen=True)
class Variant:
    """A variant of a criterion against the criterion as it is."""

    comparison: Comparison
    rounds: tuple[int, ...]
    """Those that both have, which the mean is over."""


@dataclass(frozen=True)
class Section:
    """One (task, data, profile) under one set of rules."""

    task: str
    data: str
    profile: str
    rules: Rules
    seeds: tuple[int, ...]
    sources: tuple[int, ...]
    """Distinct sources in the test set of each seed."""
    reference: str | None
    """The sweep whose round 0 is the dense net."""
    dense: Cell | None
    dense_plus: Interval | None
    """Gain of the dense net from more steps."""
    noise: Noise | None
    rows: tuple[Row, ...]
    """Ranked first."""
    resets: tuple[Comparison, ...]
    """Finetuning against rewinding, mean over the curve, criterion by criterion."""
    machines: tuple[str, ...]
    notes: tuple[str, ...]
    boards: Boards | None = None
    """None where no sweep is, or a record is older than the memory figures."""
    variants: tuple[Variant, ...] = ()
    claims: tuple[Measured, ...] = ()
    missing: tuple[str, ...] = ()
    """Files of the data set that could not be used in one of the runs, each with its reason."""

    @property
    def title(self) -> str:
        """`chords, rendered, quick`."""
        return f"{self.task}, {self.data}, {self.profile}"

    @property
    def rounds(self) -> tuple[tuple[int, float], ...]:
        """Number and asked budget of every round that a method has."""
        return tuple(sorted({c.round: c.asked for row in self.rows for c in row.cells}.items()))

    @property
    def control_rounds(self) -> tuple[int, ...]:
        """Rounds at which there are controls."""
        return tuple(sorted({c.round for row in self.rows if row.kind == "control" for c in row.cells if c.round}))

    @property
    def direction(self) -> int:
        """1 where higher is better, else -1."""
        return 1 if self.rules.higher_is_better else -1
