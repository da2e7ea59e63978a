"""Which net of a task would go on a board, by `fit`'s own rule, and where its trained weights are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark import leaderboard, records
from benchmark.errors import UsageError
from benchmark.hardware import boards, rebuild, tickets
from benchmark.hardware.boards import HOST, Board
from benchmark.hardware.fit import Fit
from benchmark.hardware.tickets import Ticket
from benchmark.leaderboard.boards import Placed
from benchmark.records import RunKey

EVERY_KIND = (HOST, "pi-4b", "portenta-h7", "nano-33-ble-sense", "mega-2560")
"""One board of each kind, two of the widest."""
LIKE_HOST = "pi-5"
"""The net for this computer is that of the board most like it."""


@dataclass(frozen=True)
class Best:
    """The net of one data set for one board."""

    board: Board
    section: str
    """`chords, rendered, quick`."""
    data: str
    method: str
    round: int
    fit: Fit
    """Of the board, or of the one like it; it says `failure` where the net has been seen not to run there."""
    paths: tuple[Path, ...]
    """Of the records of all seeds."""

    @property
    def net(self) -> tuple[str, int, str, bool]:
        """What there is one of: method, round, format, streamed."""
        return self.method, self.round, self.fit.format, self.fit.streamed

    def ticket(self) -> tuple[Path, Ticket]:
        """The net of the first seed whose weights are here.

        Raises
        ------
        UsageError
            Those of none are: how to get those of the first.
        """
        missing = []
        for path in self.paths:
            try:
                return path, tickets.ticket(path, records.read(path), self.round)
            except UsageError as error:
                missing.append(error)
        raise missing[0]


def best(results: Path, task: str, data: str | None, profile: str, names: tuple[str, ...]) -> Iterator[Best]:
    """The net for every board of those names, data set by data set; it need not fit.

    Raises
    ------
    UsageError
        There are no records of a sweep.
    RecordError
        One is damaged.
    """
    from benchmark import plugins

    sets = [data] if data else [d.name for d in plugins.task(task).datasets]
    places = [f"{task}/{name}/{profile}" for name in sets]
    found = [s for place in places for s in leaderboard.sections(results, place, rebuild.complete) if s.boards]
    if not found:
        raise UsageError(f"no records of a sweep of {task} at {profile} in {results}: run it first")
    known = boards.load()
    for section in found:
        assert section.boards is not None
        placed: dict[str, Placed] = {p.board.name: p for p in section.boards.placed}
        placed[HOST] = placed[LIKE_HOST]
        for name in names:
            chosen = placed[name]
            keys = (RunKey(section.task, section.data, section.profile, chosen.method, s) for s in section.seeds)
            paths = tuple(path for path in (key.path(results) for key in keys) if path.exists())
            yield Best(known[name], section.title, section.data, chosen.method, chosen.cell.round, chosen.fit, paths)
