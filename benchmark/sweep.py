"""Many runs: which, in what order, on what (this process, or several)."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark import methods, records
from benchmark.errors import BenchError, RecordError
from benchmark.records import RunKey
from benchmark.workers import Workers

REDO = {
    "missing": ("missing", "partial", "damaged"),
    "stale": ("missing", "partial", "damaged", "stale"),
    "failed": ("missing", "partial", "damaged", "failed"),
    "all": ("missing", "partial", "damaged", "stale", "failed", "complete"),
}
"""What `--redo` does again, by standing."""

OnEvent = Callable[["Job", str, dict[str, Any]], None]


@dataclass(frozen=True)
class Job:
    """A dense training, which other jobs share, or a run."""

    key: RunKey
    home: Path | None
    dense: bool = False
    """True: only data and the dense net of the key's task, profile and seed."""
    needs: tuple[Job, ...] = ()
    weight: float = 1.0
    """About how long it takes, in dense trainings; long ones start first."""

    @property
    def name(self) -> str:
        """For a person."""
        k = self.key
        return f"{k.task} {k.profile} {'dense' if self.dense else k.method} seed {k.seed}"


@dataclass(frozen=True)
class Plan:
    """What a command would do."""

    jobs: tuple[Job, ...]
    standing: dict[RunKey, str]
    """Of every run asked for: missing, partial, complete, stale, failed, damaged."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended: `reason` is empty if it is done."""

    job: Job
    reason: str = ""


def plan(keys: Iterable[RunKey], results: Path, home: Path | None, redo: str) -> Plan:
    """The jobs that are left for these runs, each after what it needs."""
    standing = {key: _standing(key, results) for key in keys}
    dense: dict[tuple[str, str, str, int], Job] = {}
    jobs: dict[RunKey, Job] = {}
    for key in standing:
        if standing[key] not in REDO[redo]:
            continue
        shared = (key.task, key.data, key.profile, key.seed)
        first = dense.setdefault(shared, Job(key, home, dense=True))
        method = methods.method(key.method)
        needed = RunKey(key.task, key.data, key.profile, method.needs, key.seed) if method.needs else None
        needs = (first, *([jobs[needed]] if needed in jobs else []))
        jobs[key] = Job(key, home, needs=needs, weight=_weight(method))
    return Plan((*dense.values(), *jobs.values()), standing)


def execute(jobs: Sequence[Job], results: Path, processes: int, on_event: OnEvent) -> list[Outcome]:
    """Do the jobs, as many at a time as there are processes; one that fails takes only its dependants along."""
    waiting = sorted(jobs, key=lambda job: (not job.dense, -job.weight))
    outcomes: dict[Job, Outcome] = {}
    with Workers(min(processes, max(1, len(waiting))), results, on_event) as workers:
        while waiting or workers.busy:
            for job in [j for j in waiting if any(n in outcomes and outcomes[n].reason for n in j.needs)]:
                waiting.remove(job)
                failed = next(n for n in job.needs if n in outcomes and outcomes[n].reason)
                outcomes[job] = Outcome(job, f"not run: {failed.name} failed")
            ready = [j for j in waiting if all(n in outcomes for n in j.needs)]
            for job in ready[: workers.free]:
                waiting.remove(job)
                workers.start(job)
            if workers.busy:
                job, reason = workers.wait()
                outcomes[job] = Outcome(job, reason)
    return [outcomes[job] for job in jobs]


def do(job: Job, results: Path, on_event: OnEvent) -> str:
    """Do one job in this process; the reason why it failed, in one line, or nothing."""
    from benchmark import run

    def report(event: str, facts: dict[str, Any]) -> None:
        on_event(job, event, facts)

    try:
        if job.dense:
            run.setting(job.key, job.home, report)
        else:
            run.perform(job.key, results, job.home, report)
    except BenchError as error:
        return str(error)
    except MemoryError:
        return "out of memory; use fewer --jobs"
    except Exception as error:  # a plugin's slip must not take the other runs along
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
    return ""


def _weight(method: methods.Method) -> float:
    """Relative times as measured (see README); they only order the work."""
    if method.kind == "sweep":
        return 5.0
    return {"narrow+": 7.0, "dense+": 2.0}.get(method.name, 1.0)


def _standing(key: RunKey, results: Path) -> str:
    from benchmark.staleness import code_digests

    path = key.path(results)
    if not path.exists():
        return "missing"
    try:
        record = records.read(path)
        records.read_items(path)
    except RecordError:
        return "damaged"
    if record.status != "complete":
        return record.status
    return "complete" if record.code == code_digests(methods.method(key.method), key.task) else "stale"
