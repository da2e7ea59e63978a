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
    """A run, or a training that comes before it: the dense net, which many runs share, or one round of `narrow+`."""

    key: RunKey
    home: Path | None
    dense: bool = False
    """True: only data and the dense net of the key's task, profile and seed."""
    round: int | None = None
    """Only the net of that round of the key's control."""
    needs: tuple[Job, ...] = ()
    weight: float = 1.0
    """About how long it takes, in dense trainings; long ones start first."""

    @property
    def name(self) -> str:
        """For a person."""
        k = self.key
        which = "" if self.round is None else f" round {self.round}"
        return f"{k.task} {k.profile} {'dense' if self.dense else k.method}{which} seed {k.seed}"

    @property
    def is_run(self) -> bool:
        """Whether a record comes of it."""
        return not self.dense and self.round is None


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
        elif job.round is not None:
            run.train_ahead(job.key, job.round, job.home, report)
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
