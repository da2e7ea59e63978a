"""What a person sees while runs go on: a live bar for each on a terminal, one line an event in a pipe."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from benchmark.budgets import BUDGETS

if TYPE_CHECKING:
    from rich.progress import TaskID

    from benchmark.jobs import Job


class Progress(Protocol):
    """Takes events of jobs; used as a context."""

    def __call__(self, job: Job, event: str, facts: dict[str, Any]) -> None:
        """Show one event."""
        ...

    def __enter__(self) -> Progress:
        """Begin to show."""
        ...

    def __exit__(self, *failure: object) -> None:
        """Leave the terminal as it was."""
        ...


def progress(jobs: int, out: TextIO = sys.stderr) -> Progress:
    """The progress that suits where it is shown."""
    return Bars(jobs) if out.isatty() else Lines(out)


class Lines:
    """One line an event, for pipes and logs."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._begun = time.monotonic()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *failure: object) -> None:
        return

    def __call__(self, job: Job, event: str, facts: dict[str, Any]) -> None:
        """Write a line, but for the many checks within a round."""
        if event != "check":
            seconds = time.monotonic() - self._begun
            self._out.write(f"{seconds:7.1f} s  {job.name}: {_words(event, facts)}\n")
            self._out.flush()


class Bars:
    """A bar for all and one for each job under way."""

    def __init__(self, jobs: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._rich = RichProgress(*columns, TextColumn("{task.fields[now]}"), console=Console(stderr=True))
        self._all = self._rich.add_task("all", total=jobs, now="")
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self._rich.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._rich.stop()

    def __call__(self, job: Job, event: str, facts: dict[str, Any]) -> None:
        """Move the job's bar."""
        if job.name not in self._bars:
            self._bars[job.name] = self._rich.add_task(job.name, total=len(BUDGETS) - 1 if job.is_run else 1, now="")
        bar = self._bars[job.name]
        self._rich.update(bar, now=_words(event, facts))
        if event == "round":
            self._rich.update(bar, completed=facts["round"])
        if event == "end":
            self._rich.update(bar, visible=False)
            self._rich.advance(self._all)


def _words(event: str, facts: dict[str, Any]) -> str:
    if event == "data":
        return "preparing data"
    if event == "dense":
        where = "taken from the cache" if facts.get("cached") else f"step {facts['step']} of {facts['of']}"
        return f"dense net {where}, validation {facts['score']:.4f}"
    if event == "check":
        return f"step {facts['step']}, validation {facts['score']:.4f}"
    if event == "round":
        metric, score = next(iter(facts["test"].items()))
        return f"round {facts['round']:2d}  {100 * facts['reached']:6.2f} % of the parameters  {metric} {score:.4f}"
    return f"failed: {facts['reason']}" if facts["reason"] else "done"
