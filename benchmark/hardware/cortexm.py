"""Cortex-M boards: compiled against the board's own limits, executed in QEMU, instructions counted.

QEMU executes instructions and knows no cycles. With `-icount shift=0` every instruction takes one nanosecond of the
virtual clock, so that the core's timer, at 25 MHz, counts them in steps of forty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import BenchError
from benchmark.hardware import programs, tools
from benchmark.hardware.boards import Board
from benchmark.hardware.c import Source
from benchmark.hardware.exporting import Arrays
from benchmark.hardware.programs import ELF, FIRMWARE, Built, Family
from benchmark.hardware.running import LIMIT_SECONDS, Ran

TICK_INSTRUCTIONS = 40
EXITS = {2: "a file cannot be opened", 3: "an exception of the processor", 4: "it read more than it was given"}
"""Of `firmware/cortexm.c`."""
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


def execute(source: Source, board: Board, calls: Sequence[Arrays], limit: float = LIMIT_SECONDS, hops: int = 1) -> Ran:
    """Compile a model for a board and call it, as :func:`benchmark.hardware.programs.execute` does.

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

    def build(folder: Path, files: Sequence[str]) -> Built:
        return _build(folder, files, compiler, emulator, board)

    found = programs.execute(Family("cortexm.c", build, EXITS), source, board, calls, hops, limit)
    instructions = found.count * TICK_INSTRUCTIONS
    low, middle, high = (instructions * cycles / board.clock_hz for cycles in core.cycles)
    return Ran(
        outputs=found.outputs,
        flash_bytes=found.flash_bytes,
        ram_bytes=found.ram_bytes,
        seconds=(low, middle, high),
        clock="modelled",
        instructions=instructions,
        tools={"arm-none-eabi-gcc": tools.version(compiler), "qemu": tools.version(emulator)},
    )


def _build(folder: Path, files: Sequence[str], compiler: str, emulator: str, board: Board) -> Built:
    core = CORES[board.core]
    script = (FIRMWARE / "cortexm.ld").read_text()
    limits = {
        "@FLASH@": min(board.flash_bytes or MAPPED_BYTES, MAPPED_BYTES),
        "@RAM@": min(board.block_bytes, MAPPED_BYTES),
        "@STACK@": LEAST_STACK,
    }
    for mark, value in limits.items():
        script = script.replace(mark, str(value))
    (folder / "board.ld").write_text(script)
    text, data, zeros = programs.compiled(folder, compiler, [*FLAGS, *core.flags, *files, "-T", "board.ld"], board)
    command = [emulator, "-M", core.machine, "-icount", "shift=0", "-nographic", "-monitor", "none"]
    command += ["-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel", ELF]
    return Built(text + data, data + zeros - LEAST_STACK, command)
