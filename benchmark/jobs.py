"""A piece of work, and doing it in this process."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import BenchError
from benchmark.records import RunKey


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


OnEvent = Callable[[Job, str, dict[str, Any]], None]
"""Called with a job, what happens to it (`data`, `dense`, `check`, `round`, `end`) and the facts."""


def do(job: Job, results: Path, on_event: OnEvent) -> str:
    """Do one job in this process; the reason why it failed, in one line, or nothing."""
    import torch

    from benchmark import run

    # Jobs run side by side, one core each; and the sums of several threads round differently from those of one.
    torch.set_num_threads(1)

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
