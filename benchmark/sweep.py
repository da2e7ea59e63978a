"""Many runs: which, in what order, on what (this process, or several)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark import methods, records
from benchmark.budgets import CONTROL_ROUNDS
from benchmark.errors import RecordError
from benchmark.jobs import Job, OnEvent
from benchmark.records import RunKey
from benchmark.workers import Workers

REDO = {
    "missing": ("missing", "partial", "damaged"),
    "stale": ("missing", "partial", "damaged", "stale"),
    "failed": ("missing", "partial", "damaged", "failed"),
    "all": ("missing", "partial", "damaged", "stale", "failed", "complete"),
}
"""What `--redo` does again, by standing."""


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
    long: list[Job] = []
    jobs: dict[RunKey, Job] = {}
    for key in sorted(standing, key=lambda key: methods.method(key.method).needs is not None):
        if standing[key] not in REDO[redo]:
            continue
        shared = (key.task, key.data, key.profile, key.seed)
        first = dense.setdefault(shared, Job(key, home, dense=True))
        method = methods.method(key.method)
        needed = RunKey(key.task, key.data, key.profile, method.needs, key.seed) if method.needs else None
        before = _ahead(key, home, first)
        long += before
        needs = (first, *before, *([jobs[needed]] if needed in jobs else []))
        jobs[key] = Job(key, home, needs=needs, weight=_weight(method))
    return Plan((*dense.values(), *long, *jobs.values()), standing)


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
                on_event(job, "end", {"reason": reason})
    return [outcomes[job] for job in jobs]


def _ahead(key: RunKey, home: Path | None, dense: Job) -> tuple[Job, ...]:
    """Rounds of a control that take so long that each is a job: no core waits for the last run."""
    if key.method != "narrow+":
        return ()
    return tuple(Job(key, home, round=k, needs=(dense,), weight=1 + k / 3) for k in CONTROL_ROUNDS)


def _weight(method: methods.Method) -> float:
    """About how long, in dense trainings; it only orders the work."""
    if method.kind != "control":
        return {"sweep": 5.0, "masked": 14.0}[method.kind]
    return {"dense+": 2.0}.get(method.name, 1.0)


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
