"""All records as one tidy table, for whoever asks questions that the page does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark import records
from benchmark.records import Record

if TYPE_CHECKING:
    import pandas as pd


def frame(results: Path) -> pd.DataFrame:
    """One row a net: run, status, round, costs, `memory <figure>`, `test <metric>` and `validation <metric>`.

    Failed and partial runs are there with the rounds that they have; nothing is averaged.

    Raises
    ------
    RecordError
        Which record is damaged.
    """
    import pandas as pd

    return pd.DataFrame(row for path in records.find(results) for row in _rows(records.read_at(results, path)))


def _rows(record: Record) -> Iterator[dict[str, Any]]:
    run = record.run
    head = {"task": run.task, "data": run.data, "profile": run.profile, "method": run.method, "seed": run.seed}
    for r in record.rounds:
        yield {
            **head,
            "status": record.status,
            "round": r.round,
            "asked": r.asked,
            "reached": r.reached,
            "parameters": r.parameters,
            "nonzero": r.nonzero,
            "bytes": r.bytes,
            "macs": r.macs,
            "macs_per_second": r.macs_per_second,
            "latency_ms": r.latency_ms[1],
            "latency_ratio": r.latency_ratio[1],
            "steps": r.steps,
            "train_seconds": r.train_seconds,
            **{f"memory {name}": value for name, value in r.memory.items()},
            **{f"test {metric}": value for metric, value in r.test.items()},
            **{f"validation {metric}": value for metric, value in r.validation.items()},
        }
