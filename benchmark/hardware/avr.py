"""AVR boards (Uno, Mega): compiled against the board's own limits, executed in simavr, which is exact in cycles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.errors import BenchError
from benchmark.hardware import tools
from benchmark.hardware.boards import Board
from benchmark.hardware.c import Source
from benchmark.hardware.exporting import Arrays
from benchmark.hardware.running import (
    FIRMWARE,
    LIMIT_SECONDS,
    BoardError,
    Ran,
    does_not_link,
    read_results,
    write_program,
)

# -O3 makes programs a third larger for a fiftieth of the time.
FLAGS = ("-std=gnu11", "-O2", "-ffunction-sections", "-fdata-sections", "-fno-strict-aliasing", "-Wl,--gc-sections")
RAM_BEGINS = {"atmega328p": 0x100, "atmega2560": 0x200}
"""By the core of a board: below lie registers."""
DATA_SPACE = 0x800000
"""What the linker adds to addresses of data."""
LEAST_STACK = 32
"""Bytes that the linker keeps free; what is used is measured."""
NEAR_FLASH_BYTES = 65_536
"""That `__flash` pointers reach: weights lie first, program after them."""


def execute(source: Source, board: Board, rows: Sequence[Arrays], limit: float = LIMIT_SECONDS) -> Ran:
    """Compile a model for a board and run it on every row.

    Parameters
    ----------
    limit
        Seconds that the emulation may take.

    Raises
    ------
    BoardError
        It does not link, does not end, or overruns its stack.
    UsageError
        A tool is not installed.
    """
    if board.core not in RAM_BEGINS:
        raise BenchError(f"{board.title} has the core {board.core}, which is not emulated here")
    compiler = tools.program("avr-gcc")
    helper = runner()
    assert board.flash_bytes is not None
    if source.weight_bytes > NEAR_FLASH_BYTES:
        words = f"{source.weight_bytes} bytes of weights where the compiler's pointers reach {NEAR_FLASH_BYTES}"
        raise BoardError(f"it does not fit on {board.title}: {words}; take a later round or --int8", "flash")
    with TemporaryDirectory() as name:
        folder = Path(name)
        files = write_program(folder, source, "avr.c", rows)
        regions = f"-Wl,--defsym=__DATA_REGION_ORIGIN__={DATA_SPACE + RAM_BEGINS[board.core]}"
        regions += f",--defsym=__DATA_REGION_LENGTH__={board.ram_bytes - LEAST_STACK}"
        command = [compiler, *FLAGS, f"-mmcu={board.core}", regions, *files, "-lm", "-o", "program.elf"]
        built = tools.run(command, seconds=LIMIT_SECONDS, what="the compiler", cwd=folder)
        if built.returncode != 0:
            data_end = DATA_SPACE + RAM_BEGINS[board.core] + board.ram_bytes - LEAST_STACK
            raise does_not_link(board, built.stderr, data_end)
        text, data, bss = tools.sizes(compiler.replace("gcc", "size"), folder / "program.elf")
        # The linker would refuse too, but not say by how much.
        if text + data > board.flash_bytes:
            words = f"region FLASH overflowed by {text + data - board.flash_bytes} bytes"
            raise BoardError(f"it does not fit on {board.title}: {words}; take a later round or --int8", "flash")
        content = _run(helper, folder, board, limit)
    outputs, cycles, stack = read_results(content, source, len(rows), board)
    used = data + bss + stack
    if used >= board.ram_bytes:
        raise BoardError(
            f"the stack overran the data on {board.title}: {data + bss} bytes of data leave too little", "ram"
        )
    seconds = cycles / board.clock_hz
    return Ran(
        outputs=outputs,
        flash_bytes=text + data,
        ram_bytes=used,
        seconds=(seconds, seconds, seconds),
        clock="exact",
        cycles=cycles,
        tools={"avr-gcc": tools.version(compiler)},
    )


def runner() -> Path:
    """The program around libsimavr, built once and kept in the cache."""
    tools.program("simavr")
    return tools.built("avr_runner", FIRMWARE / "avr_runner.c", ("-lsimavr", "-lelf"))


def _run(helper: Path, folder: Path, board: Board, limit: float) -> bytes:
    """What the program wrote."""
    command = [str(helper), board.core, "program.elf", "input.bin", "output.bin"]
    try:
        done = tools.run(command, seconds=limit, what=f"the emulation of {board.title}", cwd=folder)
    except tools.TimeLimitError as error:
        raise BoardError(str(error), "time limit") from error
    if done.returncode != 0:
        words = {3: "the processor stopped", 4: "it read more than it was given"}.get(done.returncode, "no reason")
        raise BoardError(f"the program crashed on {board.title}: {words}; its stack may have overrun", "crashed")
    return (folder / "output.bin").read_bytes()
