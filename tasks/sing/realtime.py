"""How much faster than real time the nets play. `python -m tasks.sing.realtime` prints factors on one thread as JSON.

Dense, and cut evenly to the budgets of some rounds: time depends on widths, not on weights. `whole` plays a note in
one call, `blocks` in blocks of 1, 4 and 16 hops of 16 ms, state and all, as a plug-in would. A factor above 1 is faster
than real time; `block ms` is the median time of one block. What the auto-encoder plays comes `late ms` and a block
after what it hears. The generator hears nothing and plays whole notes.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter

import torch
from torch import Tensor, nn

from benchmark.audio.clocking import Factors, by_round, play, tell, timed
from benchmark.measure import parameters
from benchmark.task import PROFILES

from .layers import HOP, RATE
from .model import AutoEncoder
from .task import SYMBOLS, SingTask

BLOCKS = (1, 4, 16)


def whole(model: nn.Module, x: Tensor) -> list[float]:
    """Seconds that a note takes."""
    begun = perf_counter()
    model(x)
    return [perf_counter() - begun]


@torch.inference_mode()
def factors(model: nn.Module, x: Tensor, seconds: float) -> Factors:
    """Of one net on a note that lasts so long: real-time factors."""
    found: Factors = {"parameters": parameters(model), "whole": timed(partial(whole, model, x), seconds)}
    if isinstance(model, AutoEncoder):
        found["late ms"] = round(1000 * model.shape.pad / RATE)
        for block in BLOCKS:
            found[f"blocks of {block}"] = timed(partial(play, model.play, x.split(block * HOP, 1)), seconds)
    return found


def main() -> None:
    """Print what was measured for `quick` and `full`."""
    found: dict[str, object] = {}
    for name in ("rendered", SYMBOLS):
        task = SingTask().on(name)
        for profile in PROFILES[1:]:
            heard = partial(factors, x=task.example(profile), seconds=task.seconds(profile))
            found[f"{name}, {profile}"] = by_round(task, profile, heard)
    tell(found)


if __name__ == "__main__":
    main()
