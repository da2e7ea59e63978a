"""How much faster than real time the net plays. `python -m tasks.ddsp.realtime` prints factors on one thread as JSON.

Dense, and cut evenly to the budgets of some rounds: time depends on widths, not on weights. `whole` plays a note in
one call, `blocks` in blocks of 1, 4 and 16 frames of 10 ms, state and all, as a plug-in would. A factor above 1 is
faster than real time; `block ms` is the median time of one block.
"""

from __future__ import annotations

import json
import sys
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from benchmark.budgets import BUDGETS
from benchmark.measure import parameters
from benchmark.selection import uniform_widths
from benchmark.task import PROFILES, Profile
from benchmark.trimming import couple, load

from .model import Ddsp, Past
from .synth import HOP, RATE
from .task import DdspTask

ROUNDS = (0, 4, 8, 12, 15)
BLOCKS = (1, 4, 16)
REPEATS = 7


def net(profile: Profile, number: int) -> Ddsp:
    """The net of fresh weights with the widths of an even cut to the budget of a round."""
    task = DdspTask()
    torch.manual_seed(0)
    model = task.model(profile)
    assert isinstance(model, Ddsp)
    coupling = couple(model, (task.example(profile),), protect=task.protected)
    widths = uniform_widths(coupling, int(BUDGETS[number] * coupling.parameters()))
    plan = coupling.plan({name: list(range(width)) for name, width in widths.items()})
    load(model, plan.apply(model.state_dict()), coupling.stored)
    return model.eval()


@torch.inference_mode()
def play(model: Ddsp, x: Tensor, block: int) -> list[float]:
    """Seconds that each block of a note takes."""
    times, past = [], None
    for frames in x.split(block, 1):
        begun = perf_counter()
        past = _next(model, frames, past)
        times.append(perf_counter() - begun)
    return times


def _next(model: Ddsp, frames: Tensor, past: Past | None) -> Past:
    return model.play(frames, past)[1]


def factors(model: Ddsp, x: Tensor) -> dict[str, object]:
    """Of one net: real-time factors, the median of some repeats after one that warms up."""
    seconds = x.shape[1] * HOP / RATE
    found: dict[str, object] = {"parameters": parameters(model)}
    for block in (*BLOCKS, x.shape[1]):
        runs = [play(model, x, block) for _ in range(REPEATS + 1)][1:]
        entry = {"factor": round(seconds / float(np.median([sum(run) for run in runs])), 1)}
        if block < x.shape[1]:
            entry["block ms"] = round(1000 * float(np.median(runs)), 3)
        found["whole" if block == x.shape[1] else f"blocks of {block}"] = entry
    return found


def main() -> None:
    """Print what was measured for `quick` and `full`."""
    torch.set_num_threads(1)
    results = {
        profile: {f"round {k}": factors(net(profile, k), DdspTask().example(profile)[:, :100]) for k in ROUNDS}
        for profile in PROFILES[1:]
    }
    sys.stdout.write(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
