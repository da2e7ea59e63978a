"""AVR boards (Uno, Mega): compiled against the board's own limits, executed in simavr, which is exact in cycles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.errors import BenchError
from benchmark.hardware import programs, tools
from benchmark.hardware.boards import Board
from benchmark.hardware.c import Source
from benchmark.hardware.exporting import Arrays
from benchmark.hardware.programs import ELF, FIRMWARE, Built, Family
from benchmark.hardware.running import LIMIT_SECONDS, Ran

# -Os as in Arduino's IDE. The model itself says that it is to be compiled with -O1 (see c_repairs): its convolutions
# take up to a fifth less than with -O2.
FLAGS = ("-std=gnu11", "-Os", "-ffunction-sections", "-fdata-sections", "-fno-strict-aliasing", "-Wl,--gc-sections")
RAM_BEGINS = {"atmega328p": 0x100, "atmega2560": 0x200}
"""By the core of a board: below lie registers."""
DATA_SPACE = 0x800000
"""What the linker adds to addresses of data."""
LEAST_STACK = 32
"""Bytes that the linker keeps free; what is used is measured."""
EXITS = {3: "the processor stopped", 4: "it read more than it was given"}
"""Of the runner."""


def execute(source: Source, board: Board, calls: Sequence[Arrays], limit: float = LIMIT_SECONDS, hops: int = 1) -> Ran:
    """Compile a model for a board and call it, as :func:`benchmark.hardware.programs.execute` does.

    Raises
    ------
    BoardError
        It does not link, does not end, or overruns its stack.
    UsageError
        A tool is not installed.
    """
    if board.core not in RAM_BEGINS:
        raise BenchError(f"{board.title} has the core {board.core}, which is not emulated here")
    compiler, helper = tools.program("avr-gcc"), runner()
    if board.weight_bytes is not None and source.weight_bytes > board.weight_bytes:
        words = f"{source.weight_bytes} bytes of weights where the compiler's pointers reach {board.weight_bytes}"
        raise programs.does_not_fit(board, words, "flash")

    def build(folder: Path, files: Sequence[str]) -> Built:
        return _build(folder, files, compiler, helper, board)

    found = programs.execute(Family("avr.c", build, EXITS), source, board, calls, hops, limit)
    seconds = found.count / board.clock_hz
    return Ran(
        outputs=found.outputs,
        flash_bytes=found.flash_bytes,
        ram_bytes=found.ram_bytes,
        seconds=(seconds, seconds, seconds),
        clock="exact",
        cycles=found.count,
        tools={"avr-gcc": tools.version(compiler)},
    )


def runner() -> Path:
    """The program around libsimavr, built once and kept in the cache."""
    tools.program("simavr")
    return tools.built("avr_runner", FIRMWARE / "avr_runner.c", ("-lsimavr", "-lelf"))


def _build(folder: Path, files: Sequence[str], compiler: str, helper: Path, board: Board) -> Built:
    data, room = DATA_SPACE + RAM_BEGINS[board.core], board.ram_bytes - LEAST_STACK
    regions = f"-Wl,--defsym=__DATA_REGION_ORIGIN__={data},--defsym=__DATA_REGION_LENGTH__={room}"
    flags = [*FLAGS, f"-mmcu={board.core}", regions, *files]
    text, initial, zeros = programs.compiled(folder, compiler, flags, board, data + room)
    assert board.flash_bytes is not None
    # The linker would refuse too, but not say by how much.
    if (over := text + initial - board.flash_bytes) > 0:
        raise programs.does_not_fit(board, f"region FLASH overflowed by {over} bytes", "flash")
    return Built(text + initial, initial + zeros, [str(helper), board.core, ELF, "input.bin", "output.bin"])
