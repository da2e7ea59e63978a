"""How much faster than real time the nets play. `python -m tasks.sing.realtime` prints factors on one thread as JSON.

Dense, and cut evenly to the budgets of some rounds: time depends on widths, not on weights. `whole` plays a note in
one call, `blocks` in blocks of 1, 4 and 16 hops of 16 ms, state and all, as a plug-in would. A factor above 1 is faster
than real time; `block ms` is the median time of one block. What the auto-encoder plays comes `late ms` and a block
after what it hears. The generator hears nothing and plays whole notes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.budgets import BUDGETS
from benchmark.measure import parameters
from benchmark.selection import uniform_widths
from benchmark.task import PROFILES, Profile
from benchmark.trimming import couple, load

from .layers import HOP, RATE
from .model import AutoEncoder
from .stream import Past
from .task import SYMBOLS, SingTask

ROUNDS = (0, 4, 8, 12, 15)
BLOCKS = (1, 4, 16)
REPEATS = 7


def net(task: SingTask, profile: Profile, number: int) -> nn.Module:
    """The net of fresh weights with the widths of an even cut to the budget of a round."""
    torch.manual_seed(0)
    model = task.model(profile)
    coupling = couple(model, (task.example(profile),), protect=task.protected)
    widths = uniform_widths(coupling, int(BUDGETS[number] * coupling.parameters()))
    plan = coupling.plan({name: list(range(width)) for name, width in widths.items()})
    load(model, plan.apply(model.state_dict()), coupling.stored)
    return model.eval()


def play(model: AutoEncoder, x: Tensor, block: int) -> list[float]:
    """Seconds that each block of a note takes."""
    times: list[float] = []
    past: Past | None = None
    for samples in x.split(block * HOP, 1):
        begun = perf_counter()
        past = _next(model, samples, past)
        times.append(perf_counter() - begun)
    return times


def _next(model: AutoEncoder, samples: Tensor, past: Past | None) -> Past:
    return model.play(samples, past)[1]


def whole(model: nn.Module, x: Tensor) -> list[float]:
    """Seconds that a note takes."""
    begun = perf_counter()
    model(x)
    return [perf_counter() - begun]


@torch.inference_mode()
def factors(model: nn.Module, x: Tensor, seconds: float) -> dict[str, object]:
    """Of one net on a note that lasts so long: real-time factors, the median of some repeats after one to warm up."""
    found: dict[str, object] = {"parameters": parameters(model), "whole": _timed(partial(whole, model, x), seconds)}
    if isinstance(model, AutoEncoder):
        found["late ms"] = round(1000 * model.shape.pad / RATE)
        found |= {f"blocks of {block}": _timed(partial(play, model, x, block), seconds) for block in BLOCKS}
    return found


def _timed(run: Callable[[], list[float]], seconds: float) -> dict[str, float]:
    runs = [run() for _ in range(REPEATS + 1)][1:]
    entry = {"factor": round(seconds / float(np.median([sum(times) for times in runs])), 1)}
    return entry if len(runs[0]) == 1 else entry | {"block ms": round(1000 * float(np.median(runs)), 3)}


def main() -> None:
    """Print what was measured for `quick` and `full`."""
    torch.set_num_threads(1)
    results: dict[str, dict[str, object]] = {}
    for name in ("rendered", SYMBOLS):
        task = SingTask().on(name)
        for profile in PROFILES[1:]:
            x, seconds = task.example(profile), task.seconds(profile)
            results[f"{name}, {profile}"] = {f"round {k}": factors(net(task, profile, k), x, seconds) for k in ROUNDS}
    sys.stdout.write(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
