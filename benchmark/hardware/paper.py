"""The second paper's boards and rules, so that its verdicts can be made again beside those by datasheet.

P. Esling et al., Diet deep generative audio models with structured lottery, DAFx-20, section 6.1 and Table 1: a model
is *embeddable* where its saved parameters fit the drive and its memory accesses fit the RAM, and runs in *real time*
where the FLOPs for one second of audio are within those of the platform. Their FLOPs are multiply-accumulates, and the
memory that their code holds against the RAM is what a forward writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from benchmark.hardware import boards
from benchmark.hardware.footprint import Footprint
from benchmark.records import Round

PROFILE = "paper"
"""The name by which the command line knows these platforms."""

Rule = Literal["drive", "memory", "FLOPs"]


@dataclass(frozen=True)
class Platform:
    """A row of Table 1."""

    name: str
    title: str
    clock_hz: int
    flops: int
    """Inferred by the paper's authors."""
    drive_bytes: int
    ram_bytes: int
    kind: Literal["arduino", "raspberry"]
    real: str = ""
    """The board of :mod:`.boards` that has the same chip."""


@dataclass(frozen=True)
class PaperFit:
    """One net on one platform by the paper's rules."""

    platform: Platform
    use: dict[Rule, float]
    """Of what the platform has: above 1 it does not hold."""

    @property
    def embeddable(self) -> bool:
        """Drive and memory hold it."""
        return max(self.use["drive"], self.use["memory"]) <= 1

    @property
    def real_time(self) -> bool:
        """A second of audio takes at most a second."""
        return self.use["FLOPs"] <= 1

    @property
    def limit(self) -> Rule:
        """What binds."""
        return max(self.use, key=lambda rule: self.use[rule])


@cache
def platforms() -> dict[str, Platform]:
    """Table 1."""
    return {name: Platform(name, **row) for name, row in boards.tables()["paper"]["platforms"].items()}


def judge(platform: Platform, saved_bytes: float, written_bytes: float, flops_per_second: float) -> PaperFit:
    """By the paper's three bounds.

    Parameters
    ----------
    saved_bytes
        Of the saved parameters.
    written_bytes
        By one forward.
    flops_per_second
        Multiply-accumulates for a second of audio.
    """
    return PaperFit(
        platform,
        {
            "drive": saved_bytes / platform.drive_bytes,
            "memory": written_bytes / platform.ram_bytes,
            "FLOPs": flops_per_second / platform.flops,
        },
    )


def judged(platform: Platform, entry: Round, footprint: Footprint) -> PaperFit:
    """The net of one round."""
    return judge(platform, entry.bytes, footprint.written_fp32, entry.macs_per_second)
