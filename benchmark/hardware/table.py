"""What `fit` prints: the nets of one record, on all boards or on one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmark.hardware.boards import FORMATS, Board, Format
from benchmark.hardware.evidence import Execution
from benchmark.hardware.fit import Fit, Net, estimate, executed
from benchmark.hardware.footprint import Footprint
from benchmark.hardware.paper import PaperFit, Platform, judge, platforms
from benchmark.leaderboard.boards_text import binding, factors, paper_verdict, size, streamed, verdict
from benchmark.leaderboard.text import NOTHING, amount, percent
from benchmark.records import Record, Round


@dataclass(frozen=True)
class Rung:
    """A net, what it takes, and what was executed of it."""

    round: int
    left: float
    """Of the dense parameters."""
    parameters: int
    saved_bytes: int
    net: Net
    score: float | None = None
    """Primary, on test."""
    executions: tuple[Execution, ...] = ()

    @property
    def macs_per_second(self) -> float:
        """Of audio."""
        return self.net.macs / self.net.seconds

    def on(self, board: Board, number_format: Format) -> Fit:
        """As executed, else estimated."""
        for execution in self.executions:
            if (execution.board, execution.format) == (board.name, number_format):
                return executed(board, self.net, execution)
        return estimate(board, self.net, number_format)

    def under(self, platform: Platform) -> PaperFit:
        """By the second paper's rules."""
        return judge(platform, self.saved_bytes, self.net.footprint.written_fp32, self.macs_per_second)


def rungs(record: Record, found: Iterable[tuple[Round, Footprint]], executions: Sequence[Execution] = ()) -> list[Rung]:
    """The rounds of a record, largest net first."""
    return [
        Rung(
            *(entry.round, entry.reached, entry.parameters, entry.bytes, Net.of(record, entry, taken)),
            score=entry.test[record.primary],
            executions=tuple(e for e in executions if e.round == entry.round),
        )
        for entry, taken in found
    ]


def costs(ladder: Sequence[Rung], primary: str) -> str:
    """What every net takes, on any board."""
    streams = any(r.net.footprint.stream_calls for r in ladder)
    header = ["round", "left", primary, "parameters", "weights", "int8", "arena", "int8", "MACs / s of audio"]
    header += ["arena as a stream", "int8"] if streams else []
    rows = [
        [
            *(str(r.round), percent(r.left), NOTHING if r.score is None else f"{r.score:.3f}", amount(r.parameters)),
            *(size(r.net.footprint.weights(f)) for f in FORMATS),
            *(size(r.net.footprint.arena(f)) for f in FORMATS),
            amount(r.macs_per_second),
            *(_stream(r, f) for f in FORMATS if streams),
        ]
        for r in ladder
    ]
    return _table(header, rows)


def on_boards(ladder: Sequence[Rung], boards: Iterable[Board]) -> str:
    """For every board: what becomes of the largest net, and the largest that fits."""
    header = ["board", "largest net", "limit", "int8", "limit", "largest that fits", "int8", "known"]
    rows = []
    for board in boards:
        fits = {f: [(r, r.on(board, f)) for r in ladder] for f in FORMATS}
        first = [text for f in FORMATS for text in (verdict(fits[f][0][1]), binding(fits[f][0][1]))]
        known = any(fit.executed for found in fits.values() for _, fit in found)
        rows.append([board.title, *first, *(_largest(fits[f]) for f in FORMATS), _known(known)])
    return _table(header, rows)


def on_one(ladder: Sequence[Rung], board: Board) -> str:
    """Every net in both formats on one board."""
    header = ["round", "left", "format", "flash", "RAM", "time / real time", "verdict", "binding limit", "known"]
    rows = [
        [
            *(str(r.round), percent(r.left), fit.format + streamed(fit)),
            size(fit.flash_bytes) if board.flash_bytes else NOTHING,
            *(size(fit.ram_bytes), factors(fit), verdict(fit), binding(fit)),
            fit.failure or _known(fit.executed),
        ]
        for r in ladder
        for number_format in FORMATS
        for fit in [r.on(board, number_format)]
    ]
    return _table(header, rows)


def under_paper(ladder: Sequence[Rung]) -> str:
    """Every net by the second paper's limits and rules."""
    table = platforms().values()
    rows = [[str(r.round), percent(r.left), *(paper_verdict(r.under(p)) for p in table)] for r in ladder]
    return _table(["round", "left", *(p.title for p in table)], rows)


def _stream(rung: Rung, number_format: Format) -> str:
    found = rung.net.footprint
    return size(found.arena(number_format, streamed=True)) if found.stream_calls else NOTHING


def _largest(found: Sequence[tuple[Rung, Fit]]) -> str:
    for rung, fit in found:
        if fit.verdict == "fits":
            return f"round {rung.round}, {percent(rung.left)} left"
    return "none"


def _known(run: bool) -> str:
    return "executed" if run else "estimated"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from tabulate import tabulate

    return tabulate(rows, header, disable_numparse=True)
