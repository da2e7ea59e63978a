"""How much faster than real time the net plays. `python -m tasks.ddsp.realtime` prints factors on one thread as JSON.

Dense, and cut evenly to the budgets of some rounds: time depends on widths, not on weights. `whole` plays a note in
one call, `blocks` in blocks of 1, 4 and 16 frames of 10 ms, state and all, as a plug-in would. A factor above 1 is
faster than real time; `block ms` is the median time of one block.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from benchmark.audio.clocking import Factors, by_round, play, tell, timed
from benchmark.measure import parameters
from benchmark.task import PROFILES

from .model import Ddsp
from .synth import HOP, RATE
from .task import DdspTask

BLOCKS = (1, 4, 16)
FRAMES = 100
"""Of the note that is played."""


@torch.inference_mode()
def factors(model: nn.Module, x: Tensor) -> Factors:
    """Of one net on a note (1, frames, 32): real-time factors."""
    assert isinstance(model, Ddsp)
    seconds = x.shape[1] * HOP / RATE
    found: Factors = {"parameters": parameters(model), "whole": timed(partial(play, model.play, (x,)), seconds)}
    return found | {
        f"blocks of {block}": timed(partial(play, model.play, x.split(block, 1)), seconds) for block in BLOCKS
    }


def main() -> None:
    """Print what was measured for `quick` and `full`."""
    task = DdspTask()
    tell({
        profile: by_round(task, profile, partial(factors, x=task.example(profile)[:, :FRAMES]))
        for profile in PROFILES[1:]
    })  # fmt: skip


if __name__ == "__main__":
    main()
