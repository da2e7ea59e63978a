"""What comes of executing a net on a board, and what can stop it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.errors import BenchError
from benchmark.hardware import tools
from benchmark.hardware.exporting import Arrays

LIMIT_SECONDS = 60.0
"""How long one emulation may take of the processor before it passes for a hang."""
PATIENCE = 4.0
"""How many times as long it may take on the clock: other work makes no net too slow."""


class BoardError(BenchError):
    """A net does not run on a board; `outcome` is the word for it in :data:`benchmark.hardware.evidence.OUTCOMES`."""

    def __init__(self, message: str, outcome: str) -> None:
        super().__init__(message)
        self.outcome = outcome

    @property
    def no_room(self) -> bool:
        """Whether a smaller net may run there: the linker refused this one, or it overran its stack."""
        return self.outcome in ("flash", "ram", "crashed")


@dataclass(frozen=True)
class Ran:
    """A net was executed as often as it was asked to."""

    outputs: list[Arrays]
    """One entry a call."""
    flash_bytes: int | None
    """Of the program, weights and all."""
    ram_bytes: int
    """High-water mark: data, arena and stack; of a process, what it held."""
    seconds: tuple[float, float, float]
    """For one call: low, middle, high; three times the same where it is exact."""
    clock: str
    """`measured`, `exact` (cycles by clock) or `modelled` (instructions by a range of cycles for each)."""
    instructions: int | None = None
    """For one call, the median over all."""
    cycles: int | None = None
    """For one call, the median over all, where the emulator is exact in cycles."""
    tools: dict[str, str] = field(default_factory=dict)
    """Name -> version."""


def run(command: Sequence[str], folder: Path, what: str, limit: float) -> subprocess.CompletedProcess[str]:
    """Run an emulator, or what is to be emulated, in a folder.

    Raises
    ------
    BoardError
        It does not end within the limit, in seconds of the processor.
    """
    try:
        return tools.run(command, seconds=limit, what=what, cwd=folder, patience=PATIENCE)
    except tools.TimeLimitError as error:
        raise BoardError(str(error), "time limit") from error
