"""Boards as tables: on the page and on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchmark.hardware.boards import HOST, committed
from benchmark.hardware.evidence import Execution
from benchmark.hardware.fit import Fit
from benchmark.hardware.paper import PROFILE, PaperFit, platforms
from benchmark.leaderboard.boards import Boards, Judged, Placed, Seen
from benchmark.leaderboard.summary import Cell, Section
from benchmark.leaderboard.text import NOTHING, amount, number, percent, safe, score

Table = tuple[list[str], list[list[str]]]
"""Header and rows."""


def placed(found: Boards, dense: Cell | None, places: int) -> Table:
    """The net for every board."""
    beside = f"score (dense {number(dense.score.value, places)})" if dense and dense.score else "score"
    header = ["board", "verdict", "binding limit", "net", "parameters left", beside, "format", "flash", "RAM"]
    return [*header, "time / real time", "known"], [_placed(p, places) for p in found.placed]


def judged(found: Boards) -> Table:
    """The paper's limits beside real ones."""
    real = [fit.board.title for fit in found.judged[0].real]
    header = ["net", "parameters left", *(f"{p.title}, paper rule" for p in platforms().values())]
    return [*header, *(f"{title}, estimated" for title in real)], [_judged(j) for j in found.judged]


def seen(found: Boards, places: int) -> Table:
    """Everything that was executed."""
    header = ["board", "net", "format", "outcome", "flash", "RAM", "time, ms", "from", "largest difference"]
    return [*header, "score, items", "of torch"], [_seen(s, places) for s in found.seen]


def blocks(section: Section, places: int) -> Iterator[str]:
    """Parts of a page."""
    yield "#### Boards"
    yield from _parts(section, places, "github")


def terminal(section: Section, places: int, board: str | None = None) -> Iterator[str]:
    """Parts of what a terminal shows.

    Parameters
    ----------
    board
        Only this one; `paper` for the second paper's limits.
    """
    yield from _parts(section, places, "simple", board)


def _parts(section: Section, places: int, style: str, board: str | None = None) -> Iterator[str]:
    from tabulate import tabulate

    def table(content: Table) -> str:
        header, rows = content
        return tabulate(rows, header, tablefmt=style, disable_numparse=True)

    found = section.boards
    if found is None:
        command = f"python -m benchmark fit --task {safe(section.task)} --fill"
        command = f"`{command}`" if style == "github" else command
        yield f"Unknown: a record is older than the memory figures. This adds them: {command}"
        return
    only = None if board == PROFILE else board
    shown = replace(
        found,
        placed=tuple(p for p in found.placed if only in (None, p.board.name)),
        seen=tuple(s for s in found.seen if only in (None, s.execution.board)),
    )
    if board != PROFILE:
        yield table(placed(shown, section.dense, places))
        if shown.seen:
            yield "Executed:"
            yield table(seen(shown, places))
    if only is None:
        yield "The second paper's limits beside real ones, for the same nets:"
        yield table(judged(found))


def verdict(fit: Fit) -> str:
    """`fits`, `tight`, `slow`, `no`; with a question mark where one end of the time's error band says otherwise."""
    return fit.verdict + ("" if fit.sure else "?")


def binding(fit: Fit) -> str:
    """The limit that binds and how much of what the rules allow is taken: `time 31 %`, `RAM 2.3 times`."""
    return f"{fit.limit} {_part(fit.use[fit.limit])}"


def factors(fit: Fit) -> str:
    """Real-time factor and its error band."""
    low, middle, high = (_figure(f) for f in fit.real_time_factor)
    return middle if low == high else f"{middle} [{low}, {high}]"


def streamed(fit: Fit) -> str:
    """Beside the number format."""
    return ", stream" if fit.streamed else ""


def size(count: float) -> str:
    """Bytes."""
    text = amount(count)
    return f"{text}B" if text[-1].isalpha() else f"{text} B"


def paper_verdict(fit: PaperFit) -> str:
    """`yes`, or what does not hold."""
    if fit.embeddable and fit.real_time:
        return f"yes ({fit.limit} {_part(fit.use[fit.limit])})"
    over = ", ".join(f"{rule} {_part(part)}" for rule, part in fit.use.items() if part > 1)
    return f"{'embeddable, not in real time' if fit.embeddable else 'no'} ({over})"


def _placed(p: Placed, places: int) -> list[str]:
    cell, fit = p.cell, p.fit
    return [
        *(safe(p.board.title), verdict(fit), binding(fit), _net(p.method, cell.round, p.lossless)),
        percent(cell.reached) if cell.reached is not None else NOTHING,
        score(cell.score, places) if cell.score else NOTHING,
        fit.format + streamed(fit),
        size(fit.flash_bytes) if p.board.flash_bytes else NOTHING,
        size(fit.ram_bytes),
        factors(fit),
        p.known + (f": {safe(fit.failure)}" if fit.failure else ""),
    ]


def _judged(j: Judged) -> list[str]:
    left = percent(j.cell.reached) if j.cell.reached is not None else NOTHING
    real = [f"{verdict(fit)} ({fit.format}, {binding(fit)})" for fit in j.real]
    return [f"{j.what} ({safe(j.method)} {j.cell.round})", left, *(paper_verdict(p) for p in j.paper), *real]


def _seen(s: Seen, places: int) -> list[str]:
    e = s.execution
    middle = [1000 * t for t in e.seconds] if e.seconds else None
    return [
        *(safe(_where(e)), f"{safe(s.method)} {e.round}, seed {s.seed}", e.format),
        safe(e.outcome) + (f": {safe(e.message)}" if e.message else ""),
        *(NOTHING if b is None else size(b) for b in (e.flash_bytes, e.ram_bytes)),
        _band(middle) if middle else NOTHING,
        safe(e.clock) or NOTHING,
        NOTHING if e.parity is None else f"{e.parity:.1e}",
        NOTHING if e.score is None else f"{number(e.score, places)}, {e.items}",
        NOTHING if e.reference_score is None else number(e.reference_score, places),
    ]


def _where(e: Execution) -> str:
    """A computer's own processor, where it was said."""
    board = committed().get(e.board)
    return board.title if board else e.tools.get("cpu", "the computer itself") if e.board == HOST else e.board


def _net(method: str, k: int, lossless: bool) -> str:
    return f"{safe(method)} {k}" + (", lossless" if lossless else "")


def _band(values: Sequence[float]) -> str:
    low, middle, high = (_figure(v) for v in values)
    return middle if low == high else f"{middle} [{low}, {high}]"


def _figure(value: float) -> str:
    """Two significant digits, never in scientific notation."""
    if value >= 10:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}" if value >= 1e-4 else "< 0.0001"


def _part(part: float) -> str:
    """Of an allowance."""
    return f"{100 * part:.0f} %" if part <= 1 else f"{_figure(part)} times"
