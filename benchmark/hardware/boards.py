"""Boards: what they hold, how fast they are, how much of that a net may take, and who says so."""

from __future__ import annotations

import platform
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from benchmark.errors import UsageError, did_you_mean

Family = Literal["cortex-m", "avr", "linux", "host"]
Format = Literal["fp32", "int8"]
"""How a weight or an activation is stored."""
FORMATS: tuple[Format, ...] = ("fp32", "int8")

HOST = "host"
"""The name of the computer that this runs on."""


@dataclass(frozen=True)
class Rules:
    """How much of a board a net may take, and what comes beside its weights and activations."""

    flash_share: float
    """Of the flash, for weights and program."""
    ram_share: float
    """Of the memory, for activations, state and stack."""
    real_time_factor: float
    """Computing time over the time of the audio that it answers for."""
    code_bytes: int
    """Of program, in flash."""
    stack_bytes: int
    """Of stack, or of the runtime's own memory, in RAM."""
    cycles_per_call: int
    """Whatever the size of the net."""
    band: float
    """A time is known up to this factor, either way."""


@dataclass(frozen=True)
class Cost:
    """What arithmetic costs in one number format, in cycles."""

    mac: float
    """A multiply-accumulate, with everything that goes with it in a layer."""
    function: float
    """A tanh, sigmoid or exp."""


@dataclass(frozen=True)
class Board:
    """One board, by its datasheet."""

    name: str
    title: str
    family: Family
    core: str
    """As compilers name it: `cortex-m4`, `atmega328p`."""
    fpu: Literal["none", "single", "double"]
    clock_hz: int
    """0 where the system does not say."""
    flash_bytes: int | None
    """What a program may fill. None: a card or disk, never the limit."""
    ram_bytes: int
    block_bytes: int
    """The largest contiguous block of it."""
    rules: Rules
    cycles: dict[Format, Cost]
    source: str
    cycles_source: str
    weight_bytes: int | None = None
    """Of flash, that weights can fill. None: all of it."""

    @property
    def summary(self) -> str:
        """One line: what it is and what it holds."""
        parts = [self.title, self.core, f"{self.clock_hz / 1e6:.0f} MHz"] if self.clock_hz else [self.title, self.core]
        parts += [f"{_size(self.flash_bytes)} flash"] if self.flash_bytes else []
        fpu = {"none": "no FPU", "single": "FPU in single precision", "double": "FPU"}[self.fpu]
        return ", ".join([*parts, f"{_size(self.ram_bytes)} RAM", fpu])


def load() -> dict[str, Board]:
    """All boards by name, small ones first, the computer that this runs on last."""
    return dict(_committed()) | {HOST: host()}


def committed() -> dict[str, Board]:
    """The boards that are the same wherever this runs: all but the computer itself."""
    return dict(_committed())


def board(name: str) -> Board:
    """The board of that name.

    Raises
    ------
    UsageError
        There is no such board.
    """
    boards = load()
    if name not in boards:
        raise UsageError(f"no board {name!r}: {did_you_mean(name, boards)}")
    return boards[name]


def tables() -> dict[str, Any]:
    """The file as it is."""
    with (Path(__file__).parent / "boards.toml").open("rb") as file:
        return tomllib.load(file)


def host() -> Board:
    """The computer that this runs on, read now; its processor's name is all that it says of whose it is."""
    from benchmark.environment import environment

    facts = environment()
    memory = facts["memory_bytes"]
    return Board(
        name=HOST,
        title=str(facts["cpu"] or "this computer"),
        family="host",
        core=platform.machine(),
        fpu="double",
        clock_hz=_clock(),
        flash_bytes=None,
        ram_bytes=memory if isinstance(memory, int) else 0,
        block_bytes=memory if isinstance(memory, int) else 0,
        rules=Rules(**tables()["rules"]["host"]),
        # As the ONNX runtime took on an x86-64: 0.05 for convolutions, 0.5 for a GRU.
        cycles={"fp32": Cost(0.2, 5), "int8": Cost(0.2, 5)},
        source="read from the system",
        cycles_source="the ONNX runtime on an x86-64, one thread",
    )


@cache
def _committed() -> dict[str, Board]:
    whole = tables()
    rules = {family: Rules(**values) for family, values in whole["rules"].items()}
    boards = {}
    for name, entry in whole["boards"].items():
        fields: dict[str, Any] = {"flash_bytes": None, "block_bytes": entry["ram_bytes"], **entry}
        fields["cycles"] = {number_format: Cost(*costs) for number_format, costs in entry["cycles"].items()}
        boards[name] = Board(name=name, rules=rules[entry["family"]], **fields)
    return boards


def _size(count: int) -> str:
    """As data sheets write it: powers of 1024."""
    for unit, size in (("GB", 2**30), ("MB", 2**20)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 1024:.3g} KB"


def _clock() -> int:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    mhz = [float(line.partition(":")[2]) for line in lines if line.startswith("cpu MHz")]
    return int(1e6 * max(mhz, default=0))
