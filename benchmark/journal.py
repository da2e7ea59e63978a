"""A record while it is written, and the weights from which an interrupted run goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmark import records
from benchmark.data.cache import cache_folder
from benchmark.digest import digest_json
from benchmark.errors import DataError, RecordError
from benchmark.protocol import Point
from benchmark.records import Items, Record, Round
from benchmark.selection import Keep
from benchmark.states import load_state, save_state
from benchmark.task import Evaluation
from benchmark.training import State

KEEP = "keep:"


def weights_folder(record: Record) -> Path:
    """Where the cache of this computer has the trained weights of a run."""
    identity = {"run": str(record.run), "code": record.code, "data": record.data["digest"]}
    return cache_folder() / "runs" / digest_json(identity)


def weights_file(record: Record, number: int) -> Path:
    """The file with those of one round."""
    return weights_folder(record) / f"round-{number:02d}.safetensors"


def trained(record: Record, number: int) -> tuple[int, Keep, State]:
    """Number, units and trained weights of a round.

    Raises
    ------
    DataError
        The weights are gone or damaged.
    """
    flat = load_state(weights_file(record, number))
    keep = {name.removeprefix(KEEP): flat.pop(name).tolist() for name in list(flat) if name.startswith(KEEP)}
    return number, keep, flat


class Journal:
    """Rounds go in, each is on disk when `enter` returns."""

    def __init__(self, results: Path, record: Record, sources: np.ndarray) -> None:
        """Go on with the unfinished record of the same run, code and data where there is one, else begin anew."""
        self.results = results
        self.record = record
        self.sources = sources
        self._items: list[dict[str, dict[str, np.ndarray]]] = []
        self._continue()
        if not self.record.rounds:
            # Between the first items and the first record of a run done again, an old record must not lie beside them.
            record.run.path(results).unlink(missing_ok=True)

    @property
    def done(self) -> frozenset[int]:
        """Numbers of the rounds entered so far."""
        return frozenset(r.round for r in self.record.rounds)

    def enter(self, entry: Round, evaluation: Evaluation, point: Point | None = None) -> None:
        """Add a round; the weights first, so that a record never promises a state that is not there."""
        if point is not None:
            keep = {KEEP + name: torch.tensor(units) for name, units in point.keep.items()}
            save_state(weights_file(self.record, entry.round), {**point.fit.state, **keep})
        self._items.append({m: dict(arrays) for m, arrays in evaluation.items.items()})
        self._write(replace(self.record, rounds=(*self.record.rounds, entry)))

    def warn(self, line: str) -> None:
        """Add a warning to the record."""
        if line not in self.record.warnings:
            self._write(replace(self.record, warnings=(*self.record.warnings, line)))

    def close(self, status: str, reason: str = "") -> Record:
        """Say how the run ended."""
        self._write(replace(self.record, status=status, reason=reason))
        return self.record

    def last(self) -> tuple[int, Keep, State] | None:
        """Number, units and trained weights of the last round entered; None before round 1.

        Raises
        ------
        DataError
            The weights are gone or damaged.
        """
        if not self.record.rounds or self.record.rounds[-1].round == 0:
            return None
        return trained(self.record, self.record.rounds[-1].round)

    def _continue(self) -> None:
        path = self.record.run.path(self.results)
        try:
            old, items = records.read(path), records.read_items(path)
        except RecordError:
            return
        same = old.code == self.record.code and old.data["digest"] == self.record.data["digest"]
        if not same or old.status == "complete":
            return
        fresh = self.record
        self.record = replace(old, status="partial", reason="")
        try:
            self.last()
        except DataError:
            self.record = fresh
            return
        # The items were written first, so they may be one round ahead of the record.
        self._items = [{m: items.of(m, row) for m in items.arrays} for row in range(len(old.rounds))]

    def _write(self, record: Record) -> None:
        self.record = record
        arrays: dict[str, dict[str, np.ndarray]] = {}
        for metric in self._items[0] if self._items else ():
            for name in self._items[0][metric]:
                rows = np.stack([entry[metric][name] for entry in self._items])
                arrays.setdefault(metric, {})[name] = rows[:1] if (rows == rows[0]).all() else rows
        records.write(self.results, record, Items(self.sources, arrays))
