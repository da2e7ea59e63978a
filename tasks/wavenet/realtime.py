"""How fast a net generates. `python -m tasks.wavenet.realtime` prints factors on one thread as JSON.

Dense, and cut evenly to the budgets of some rounds: time depends on widths, not on weights. Generation is cached, one
column a sample, prediction and draw included, of one note and of eight side by side. A factor above 1 is faster than
real time: seconds of sound of all notes for a second; `step us` is the median time of a sample in microseconds. That is
a hundred or two calls of torch on small tensors, so that their number, which no cut changes, soon decides.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from time import perf_counter

import numpy as np
import torch
from torch import nn

from benchmark.audio.clocking import Factors, by_round, tell
from benchmark.measure import macs, parameters
from benchmark.task import PROFILES, Profile

from .generate import samples
from .model import WaveNet
from .shape import MELS, SHAPES
from .task import WavenetTask

ROWS = (1, 8)
STEPS = 1000
WARM = 100


@torch.inference_mode()
def times(model: WaveNet, profile: Profile, rows: int, steps: int = STEPS) -> list[float]:
    """Seconds of each step, prediction and draw included, after some that warm up."""
    shape, random = SHAPES[profile], torch.Generator().manual_seed(0)
    frames = shape.lead - (-(steps + WARM) // shape.hop)
    mels = torch.rand((rows, frames, MELS), generator=random) - 1
    silence = torch.zeros(rows, shape.lead * shape.hop)
    draws = torch.rand((rows, (frames - shape.lead) * shape.hop), generator=random)
    notes = samples(model, shape, silence, mels, draws)
    clock = [perf_counter() for _ in islice(notes, WARM + steps)]
    return np.diff(clock)[WARM - 1 :].tolist()


def factors(model: nn.Module, profile: Profile, steps: int = STEPS) -> Factors:
    """Of one net: parameters, MACs of a step, real-time factors."""
    assert isinstance(model, WaveNet)
    rate = SHAPES[profile].rate
    example = WavenetTask().example(profile)
    length = example.shape[1] * model.hop
    found: Factors = {"parameters": parameters(model), "macs a sample": round(macs(model, example) / length)}
    for rows in ROWS:
        median = float(np.median(times(model, profile, rows, steps)))
        name = "one note" if rows == 1 else f"{rows} notes"
        found[name] = {"factor": round(rows / (rate * median), 3), "step us": round(1e6 * median, 1)}
    return found


def main() -> None:
    """Print what was measured for `quick` and `full`."""
    task = WavenetTask()
    tell({profile: by_round(task, profile, partial(factors, profile=profile)) for profile in PROFILES[1:]})


if __name__ == "__main__":
    main()
