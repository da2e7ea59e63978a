"""Cortex-M boards: compiled against the board's own limits, executed in QEMU, instructions counted.

QEMU executes instructions and knows no cycles. With `-icount shift=0` every instruction takes one nanosecond of the
virtual clock, so that the core's timer, at 25 MHz, counts them in steps of forty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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

TICK_INSTRUCTIONS = 40
LEAST_STACK = 256
"""Bytes that the linker keeps free; what is used is measured."""
MAPPED_BYTES = 4 << 20
"""Of flash and of RAM on the emulated machines: more than any board's, but for the RP2040's external flash."""


@dataclass(frozen=True)
class Core:
    """How a core is compiled for, what emulates it, and how many cycles an instruction takes on it."""

    flags: tuple[str, ...]
    machine: str
    cycles: tuple[float, float, float]
    """Low, middle, high. From counts by address times the timing tables of ARM's reference manuals (M7: llvm-mca) on
    convolutions, recurrent nets and WaveNets; flash wait states and caches are not in it."""


HARD = "-mfloat-abi=hard"
CORES = {
    # The emulated M3 runs the M0+'s instructions, which are some of its own.
    "cortex-m0plus": Core(("-mcpu=cortex-m0plus",), "mps2-an385", (1.1, 1.3, 1.6)),
    "cortex-m3": Core(("-mcpu=cortex-m3",), "mps2-an385", (1.0, 1.2, 1.6)),
    "cortex-m4": Core(("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", HARD), "mps2-an386", (1.1, 1.4, 1.9)),
    "cortex-m7": Core(("-mcpu=cortex-m7", "-mfpu=fpv5-d16", HARD), "mps2-an500", (0.7, 1.1, 1.7)),
}
"""By the core of a board. All cores with a unit for floats have it compiled for."""

# Outputs are compared with a tolerance of 1e-4, so sums may be contracted but not reordered.
FLAGS = (
    *("-std=gnu11", "-O3", "-ffunction-sections", "-fdata-sections", "-fno-strict-aliasing"),
    *("-Wl,--gc-sections", "-nostartfiles", "--specs=nano.specs"),
)


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
    if board.core not in CORES:
        raise BenchError(f"{board.title} has the core {board.core}, which is not emulated here")
    core = CORES[board.core]
    compiler, emulator = tools.program("arm-none-eabi-gcc"), tools.program("qemu-system-arm")
    with TemporaryDirectory() as name:
        folder = Path(name)
        flash, static = _compile(folder, compiler, core, board, source, rows)
        command = [emulator, "-M", core.machine, "-icount", "shift=0", "-nographic", "-monitor", "none"]
        command += ["-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel", "program.elf"]
        try:
            done = tools.run(command, seconds=limit, what=f"the emulation of {board.title}", cwd=folder)
        except tools.TimeLimitError as error:
            raise BoardError(str(error), "time limit") from error
        if done.returncode != 0:
            said = "an exception of the processor" if done.returncode == 3 else tools.last_line(done.stderr)
            raise BoardError(f"the program crashed on {board.title}: {said}", "crashed")
        outputs, ticks, stack = read_results((folder / "output.bin").read_bytes(), source, len(rows), board)
    if static + stack >= board.block_bytes:
        raise BoardError(f"the stack overran the data on {board.title}: {static} bytes of data leave too little", "ram")
    instructions = ticks * TICK_INSTRUCTIONS
    low, middle, high = (instructions * cycles / board.clock_hz for cycles in core.cycles)
    return Ran(
        outputs=outputs,
        flash_bytes=flash,
        ram_bytes=static + stack,
        seconds=(low, middle, high),
        clock="modelled",
        instructions=instructions,
        tools={"arm-none-eabi-gcc": tools.version(compiler), "qemu": tools.version(emulator)},
    )


def _compile(
    folder: Path, compiler: str, core: Core, board: Board, source: Source, rows: Sequence[Arrays]
) -> tuple[int, int]:
    """Build `program.elf`; bytes of flash, and of RAM without stack."""
    files = write_program(folder, source, "cortexm.c", rows)
    script = (FIRMWARE / "cortexm.ld").read_text()
    limits = {
        "@FLASH@": min(board.flash_bytes or MAPPED_BYTES, MAPPED_BYTES),
        "@RAM@": min(board.block_bytes, MAPPED_BYTES),
        "@STACK@": LEAST_STACK,
    }
    for mark, value in limits.items():
        script = script.replace(mark, str(value))
    (folder / "board.ld").write_text(script)
    command = [compiler, *FLAGS, *core.flags, *files, "-lm", "-T", "board.ld", "-o", "program.elf"]
    built = tools.run(command, seconds=LIMIT_SECONDS, what="the compiler", cwd=folder)
    if built.returncode != 0:
        raise does_not_link(board, built.stderr)
    text, data, bss = tools.sizes(compiler.replace("gcc", "size"), folder / "program.elf")
    return text + data, data + bss - LEAST_STACK
