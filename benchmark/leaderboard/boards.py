"""Which net of a section would go on which board, and how that is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.errors import RecordError
from benchmark.hardware import boards, evidence, paper
from benchmark.hardware.boards import Board, Format
from benchmark.hardware.evidence import Execution
from benchmark.hardware.fit import Fit, Net, estimate, executed
from benchmark.hardware.footprint import Footprint
from benchmark.hardware.paper import PaperFit, Platform
from benchmark.leaderboard.runs import Bench, Rules, Run
from benchmark.leaderboard.summary import Cell, Row
from benchmark.records import Round

Known = Literal["executed", "estimated", "paper rule"]


@dataclass(frozen=True)
class Placed:
    """The net that would go on a board, or the one that comes nearest to fitting."""

    board: Board
    method: str
    cell: Cell
    lossless: bool
    fit: Fit
    """Of the seed that takes most; only of those that were executed, where there are any."""

    @property
    def known(self) -> Known:
        """Whether it ran there."""
        return "executed" if self.fit.executed else "estimated"


@dataclass(frozen=True)
class Judged:
    """One net under the paper's limits and under real ones."""

    what: str
    """`dense`, `lossless` or `smallest`."""
    method: str
    cell: Cell
    paper: tuple[PaperFit, ...]
    """Of the seed that takes most, on every platform."""
    real: tuple[Fit, ...]
    """On boards with the same chip or of the same kind, in the number format that takes less of what binds."""


@dataclass(frozen=True)
class Seen:
    """One execution."""

    method: str
    seed: int
    execution: Execution


@dataclass(frozen=True)
class Boards:
    """What a section says of boards."""

    placed: tuple[Placed, ...]
    judged: tuple[Judged, ...]
    seen: tuple[Seen, ...]


@dataclass(frozen=True)
class _Candidate:
    row: Row
    cell: Cell
    nets: tuple[tuple[Net, Round, tuple[Execution, ...]], ...]
    """One a seed."""

    @property
    def lossless(self) -> bool:
        return self.row.lossless is not None and self.cell.round <= self.row.lossless.round

    @property
    def smallest_lossless(self) -> bool:
        return self.row.lossless is not None and self.cell.round == self.row.lossless.round

    def on(self, board: Board, number_format: Format) -> Fit:
        """As measured on that board where it was, else estimated; of the seed that takes most."""
        ran = [
            executed(board, net, e)
            for net, _, executions in self.nets
            for e in executions
            if (e.board, e.format) == (board.name, number_format) and e.streamed >= net.footprint.stream_only
        ]
        return max(ran or [estimate(board, net, number_format) for net, _, _ in self.nets], key=lambda fit: fit.badness)

    def under(self, platform: Platform) -> PaperFit:
        """By the paper's rules, of the seed that takes most."""
        found = [paper.judged(platform, entry, net.footprint) for net, entry, _ in self.nets]
        return max(found, key=lambda fit: max(fit.use.values()))


def summary(bench: Bench, rows: Sequence[Row], rules: Rules) -> Boards | None:
    """What a bench's sweeps say of boards; None where no sweep is, or a record is older than the memory figures.

    Raises
    ------
    RecordError
        What was executed beside a record is damaged.
    """
    seen = {
        (method, seed): evidence.read(run.path, run.record.run)
        for method, runs in bench.methods.items()
        for seed, run in runs.items()
    }
    sweeps = [row for row in rows if row.kind == "sweep"]
    if not sweeps or any(not r.memory for row in sweeps for run in _runs(bench, row) for r in run.record.rounds):
        return None
    methods = [row.method for row in sweeps]
    candidates = [_candidate(bench, row, cell, seen, methods) for row in sweeps for cell in row.cells if cell.score]
    if not candidates:
        return None
    return Boards(
        tuple(_place(board, candidates, rules) for board in boards.committed().values()),
        tuple(_judge(candidates)),
        tuple(Seen(method, seed, e) for (method, seed), executions in sorted(seen.items()) for e in executions),
    )


def _runs(bench: Bench, row: Row) -> Iterable[Run]:
    return bench.methods[row.method].values()


def _candidate(
    bench: Bench, row: Row, cell: Cell, seen: dict[tuple[str, int], tuple[Execution, ...]], sweeps: Sequence[str]
) -> _Candidate:
    nets = []
    # All sweeps of a seed begin with the same dense net.
    methods = sweeps if cell.round == 0 else [row.method]
    for seed, run in bench.methods[row.method].items():
        entry = next(r for r in run.record.rounds if r.round == cell.round)
        try:
            net = Net.of(run.record, entry, Footprint.of(entry.memory))
        except RecordError as error:
            raise RecordError(f"{run.path}: round {cell.round}: {error}") from error
        there = (e for method in methods for e in seen.get((method, seed), ()))
        nets.append((net, entry, tuple(e for e in there if e.round == cell.round)))
    return _Candidate(row, cell, tuple(nets))


def _place(board: Board, candidates: Sequence[_Candidate], rules: Rules) -> Placed:
    """The smallest lossless net that fits, else the best that does; fp32 unless int8 is better by the tolerance.

    What is only tight comes after all that fits, and what is slow after that. Where nothing is even in memory: the net
    that is nearest to it.
    """
    # Under Linux nothing is gained by int8 on nets this small.
    formats: tuple[Format, ...] = ("fp32",) if board.flash_bytes is None else ("fp32", "int8")
    options = [(c, c.on(board, f)) for c in candidates for f in formats]
    sign = 1 if rules.higher_is_better else -1

    def merit(option: _Option) -> tuple[float, int]:
        """Of equal scores the smaller net."""
        cell = option[0].cell
        return (sign * cell.score.value if cell.score else 0.0, cell.round)

    for verdict in ("fits", "tight", "slow"):
        able = {f: [o for o in options if (o[1].verdict, o[1].format) == (verdict, f)] for f in formats}
        held = [[o for o in found if o[0].smallest_lossless] for found in able.values()]
        if verdict == "slow":
            # The faster format, not the plainer one.
            held = [[o for found in held for o in found]]
        for lossless in held:
            if lossless:
                return _placed(board, min(lossless, key=lambda o: (o[0].cell.parameters or 0, o[1].badness)))
        best = [max(found, key=merit) for found in able.values() if found]
        if best:
            better = len(best) > 1 and merit(best[1])[0] > merit(best[0])[0] + rules.tolerance
            return _placed(board, best[1] if better else best[0])
    return _placed(board, min(options, key=lambda o: o[1].badness))


_Option = tuple[_Candidate, Fit]


def _placed(board: Board, option: _Option) -> Placed:
    candidate, fit = option
    return Placed(board, candidate.row.method, candidate.cell, candidate.lossless, fit)


def _judge(candidates: Sequence[_Candidate]) -> Iterable[Judged]:
    """Dense, the smallest lossless net, and the smallest of the sweep that the latter is from."""
    held = [c for c in candidates if c.smallest_lossless]
    ticket = min(held, key=lambda c: c.cell.parameters or 0) if held else None
    method = ticket.row.method if ticket else candidates[0].row.method
    same = [c for c in candidates if c.row.method == method]
    chosen = {"dense": same[0], "lossless": ticket, "smallest": same[-1]}
    known = boards.committed()
    real = [known[p.real] for p in paper.platforms().values() if p.real]
    for what, candidate in chosen.items():
        if candidate is None or (what == "lossless" and candidate.cell.round == 0):
            continue
        yield Judged(
            what,
            candidate.row.method,
            candidate.cell,
            tuple(candidate.under(p) for p in paper.platforms().values()),
            tuple(min((candidate.on(b, "fp32"), candidate.on(b, "int8")), key=lambda fit: fit.badness) for b in real),
        )
