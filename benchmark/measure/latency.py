"""How long a forward takes on one CPU thread, and how that compares between models under the same conditions."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.errors import UsageError
from benchmark.measure.evaluating import evaluating

TIMING = 2e-3
"""One timing lasts at least about this many seconds: far above the clock's step and the cost of reading it."""
LEAST = 3
"""Rounds that are taken whatever the budget: fewer give no quartiles."""


@dataclass(frozen=True)
class Latency:
    """Seconds a call: median and quartiles over rounds. `ratio`: time over the first model's time, round by round."""

    median: float
    lower: float
    upper: float
    calls: int
    """Calls that were timed."""
    ratio: float
    ratio_lower: float
    ratio_upper: float


def latency(
    models: Mapping[str, nn.Module], example: Tensor | tuple[Any, ...], *, rounds: int = 101, seconds: float = 0.6
) -> dict[str, Latency]:
    """Time a forward of every model on `example`: one thread, inference mode, eval mode, warmed up.

    Each round times every model once, in alternating order, so that a drift of the machine (heat, neighbours) meets all
    models alike and leaves the ratios. A timing repeats a fast model until it lasts about :data:`TIMING` seconds.

    Parameters
    ----------
    models
        By name, on the CPU; the first is what ratios refer to. They are left as they were.
    example
        The input of all models; a tuple is their positional arguments.
    rounds
        Most rounds that are taken.
    seconds
        No round is begun that would end later than this after the start, warming up included. :data:`LEAST` rounds
        are always taken, so that slow models take six calls each.

    Raises
    ------
    UsageError
        A model or the example is not on the CPU.
    """
    inputs = example if isinstance(example, tuple) else (example,)
    for name, model in models.items():
        for tensor in (*model.parameters(), *model.buffers(), *inputs):
            if isinstance(tensor, Tensor) and tensor.device.type != "cpu":
                raise UsageError(f"latency is measured on the CPU, but {name!r} or its input is on {tensor.device}")

    order = list(models)
    times: dict[str, list[float]] = {name: [] for name in order}
    with evaluating(*models.values()), torch.inference_mode(), _one_thread():
        start = perf_counter()
        calls = {name: _enough_calls(model, inputs) for name, model in models.items()}
        for done in range(max(rounds, LEAST)):
            begun = perf_counter()
            for name in order:
                times[name].append(_time(models[name], inputs, calls[name]))
            order.reverse()
            now = perf_counter()
            if done + 1 >= LEAST and now - start + (now - begun) > seconds:
                break

    first = np.array(next(iter(times.values()), []))
    return {
        name: Latency(**_quartiles(t), calls=calls[name] * len(t), **_quartiles(t / first, ratio=True))
        for name, t in ((name, np.array(values)) for name, values in times.items())
    }


def _time(model: nn.Module, inputs: tuple[Any, ...], calls: int) -> float:
    """Seconds a call, mean of so many."""
    start = perf_counter()
    for _ in range(calls):
        model(*inputs)
    return (perf_counter() - start) / calls


def _enough_calls(model: nn.Module, inputs: tuple[Any, ...]) -> int:
    """How many calls last `TIMING`; finding out warms the model up."""
    model(*inputs)
    calls = 1
    # The shorter of two: a stall of the machine must not pass for a slow model.
    while (once := min(_time(model, inputs, calls), _time(model, inputs, calls))) * calls < TIMING:
        # A quarter more than needed, as warming up is not over; at most tenfold, as one timing may be far off.
        calls = min(10 * calls, max(calls + 1, ceil(1.25 * TIMING / once)))
    return calls


@contextmanager
def _one_thread() -> Iterator[None]:
    """Inside: torch computes on one thread, and no garbage collection falls into a timing."""
    threads, collecting = torch.get_num_threads(), gc.isenabled()
    torch.set_num_threads(1)
    gc.disable()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if collecting:
            gc.enable()


def _quartiles(values: np.ndarray, ratio: bool = False) -> dict[str, float]:
    names = ("ratio_lower", "ratio", "ratio_upper") if ratio else ("lower", "median", "upper")
    return dict(zip(names, np.percentile(values, (25, 50, 75)).tolist(), strict=True))
