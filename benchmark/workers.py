"""Processes that do jobs and tell what happens; one process is this one."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from benchmark.jobs import Job, OnEvent, do

PATIENCE = 10.0
"""Seconds that an idle worker has to end by itself. One that is killed leaves what it shares with others to be cleared
away by Python, which warns of it."""


class Workers:
    """As many long-lived processes as asked for, each doing one job at a time.

    With one, jobs are done in this process. A worker whose parent is gone ends at its next event, because its pipe
    is broken.
    """

    def __init__(self, processes: int, results: Path, on_event: OnEvent) -> None:
        self._results = results
        self._on_event = on_event
        self._inline: list[Job] | None = [] if processes == 1 else None
        self._running: dict[Connection, tuple[Job, multiprocessing.process.BaseProcess]] = {}
        self._idle: list[tuple[Connection, multiprocessing.process.BaseProcess]] = []
        if self._inline is None:
            self._idle = [self._spawned() for _ in range(processes)]

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *failure: object) -> None:
        for pipe, _ in self._idle:
            pipe.close()
        for _, process in self._running.values():
            process.terminate()
        for process in [p for _, p in self._idle] + [p for _, p in self._running.values()]:
            process.join(PATIENCE)
            process.terminate()

    @property
    def busy(self) -> bool:
        """Whether any job is under way."""
        return bool(self._inline or self._running)

    @property
    def free(self) -> int:
        """How many jobs can be started now."""
        return len(self._idle) if self._inline is None else 1 - len(self._inline)

    def start(self, job: Job) -> None:
        """Begin a job; there must be a free worker."""
        if self._inline is not None:
            self._inline.append(job)
            return
        pipe, process = self._idle.pop()
        pipe.send(job)
        self._running[pipe] = (job, process)

    def wait(self) -> tuple[Job, str]:
        """Pass on events until some job ends; that job and the reason why it failed, if it did."""
        if self._inline is not None:
            job = self._inline.pop()
            return job, do(job, self._results, self._on_event)
        while True:
            for ready in wait(list(self._running)):
                assert isinstance(ready, Connection)
                job, process = self._running[ready]
                try:
                    event, facts = ready.recv()
                except EOFError:
                    del self._running[ready]
                    process.join()
                    self._idle.append(self._spawned())
                    return job, f"its process died with exit code {process.exitcode}"
                if event != "end":
                    self._on_event(job, event, facts)
                    continue
                del self._running[ready]
                self._idle.append((ready, process))
                return job, facts["reason"]

    def _spawned(self) -> tuple[Connection, multiprocessing.process.BaseProcess]:
        context = multiprocessing.get_context("spawn")
        mine, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._results), daemon=True)
        process.start()
        theirs.close()
        return mine, process


def _work(pipe: Connection, results: Path) -> None:
    """A worker's life: the parent handles Ctrl-C, so that one person's interrupt is told once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def on_event(job: Job, event: str, facts: dict[str, Any]) -> None:
        try:
            pipe.send((event, facts))
        except OSError:
            sys.exit()  # the parent is gone: end as if killed, leaving the record as it is

    try:
        while True:
            job = pipe.recv()
            on_event(job, "end", {"reason": do(job, results, on_event)})
    except (EOFError, ConnectionResetError):
        sys.exit()
