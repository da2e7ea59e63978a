"""Widths -> parameters, MACs, bytes and memory, counted again on the net built again."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from benchmark.errors import RecordError
from benchmark.hardware.footprint import footprint
from benchmark.hardware.graph import UnknownOperator
from benchmark.hardware.rebuild import reference
from benchmark.measure import artefact_bytes, macs, parameters
from benchmark.methods import Method
from benchmark.records import Record
from benchmark.submission.equality import same
from benchmark.submission.findings import Findings


class Costs(NamedTuple):
    """What a net of some widths costs; exact on every machine."""

    parameters: int
    macs: int
    bytes: int
    memory: dict[str, int]


def check_costs(path: Path, record: Record, method: Method, mend: str, found: Findings) -> int:
    """Count every round's net again; how many could be."""
    run = record.run
    whole = reference(run.task, run.data, run.profile)
    counted = 0
    for entry in record.rounds:
        where = str(path)
        # Masked units are there, held at zero; of a hybrid half are cut.
        masked = method.kind == "masked" and method.reset != "hybrid"
        widths = whole.coupling.widths if masked else entry.widths
        try:
            costs = _costs(run.task, run.data, run.profile, tuple(sorted(widths.items())))
        except RecordError as error:
            found.fail(where, f"round {entry.round}: {error}", mend)
            continue
        counted += 1
        for name in ("parameters", "macs", "bytes"):
            said, is_so = getattr(entry, name), getattr(costs, name)
            what = f"round {entry.round}: {said} {name}, and a net of its widths has {is_so}"
            found.require(said == is_so, where, what, mend)
        if entry.memory and not same(entry.memory, costs.memory):
            odd = sorted(n for n in {*entry.memory, *costs.memory} if entry.memory.get(n) != costs.memory.get(n))
            what = f"round {entry.round}: memory {', '.join(odd[:4])} is not that of a net of its widths"
            found.fail(where, what, f"write it anew: python -m benchmark fit {run} --fill")
    return counted


@lru_cache(maxsize=4096)
def _costs(task: str, data: str, profile: str, widths: tuple[tuple[str, int], ...]) -> Costs:
    whole = reference(task, data, profile)
    net, example = whole.net(dict(widths)), whole.example
    try:
        memory = footprint(net, example).entry()
    except UnknownOperator:
        memory = {}
    return Costs(parameters(net), macs(net, example), artefact_bytes(net), memory)
