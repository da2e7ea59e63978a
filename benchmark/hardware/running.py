"""What comes of executing a net on a board, and what can stop it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median_low

import numpy as np

from benchmark.errors import BenchError
from benchmark.hardware import tools
from benchmark.hardware.boards import Board
from benchmark.hardware.c import Source
from benchmark.hardware.c_memory import Put
from benchmark.hardware.exporting import Arrays

FIRMWARE = Path(__file__).parent / "firmware"
DTYPES: dict[str, type[np.generic]] = {
    "float": np.float32,
    "int8_t": np.int8,
    "uint8_t": np.uint8,
    "int32_t": np.int32,
    "int64_t": np.int64,
}
"""By the name in C."""
LIMIT_SECONDS = 60.0
"""How long one emulation may take before it passes for a hang."""


class BoardError(BenchError):
    """A net does not run on a board; `outcome` is the word for it in :data:`benchmark.hardware.evidence.OUTCOMES`."""

    def __init__(self, message: str, outcome: str) -> None:
        super().__init__(message)
        self.outcome = outcome


@dataclass(frozen=True)
class Ran:
    """A net was executed on every row that was given."""

    outputs: list[Arrays]
    """One entry a row."""
    flash_bytes: int | None
    """Of the program, weights and all."""
    ram_bytes: int
    """High-water mark: data, arena and stack; of a process, what it held."""
    seconds: tuple[float, float, float]
    """For one call: low, middle, high; three times the same where it is exact."""
    clock: str
    """`measured`, `exact` (cycles by clock) or `modelled` (instructions by a range of cycles for each)."""
    instructions: int | None = None
    """For one call, the median over rows."""
    cycles: int | None = None
    """For one call, the median over rows, where the emulator is exact in cycles."""
    tools: dict[str, str] = field(default_factory=dict)
    """Name -> version."""


def write_program(folder: Path, source: Source, port: str, rows: Sequence[Arrays]) -> list[str]:
    """Put into an empty folder all that a board is compiled from and fed with; the names of the C files.

    `port` is the file of `firmware/` for the family of boards.
    """
    (folder / "model.c").write_text(source.code)
    (folder / "model.h").write_text(source.header)
    (folder / "buffers.h").write_text(_buffers(source))
    for name in ("main.c", "port.h", port):
        (folder / name).write_bytes((FIRMWARE / name).read_bytes())
    content = [np.uint16(len(rows)).tobytes()]
    for row in rows:
        for put, value in zip(source.inputs, row, strict=True):
            if value.size != put.size:
                raise ValueError(f"{value.size} values for an input of {put.size}")
            content.append(np.ascontiguousarray(value, DTYPES[put.kind]).tobytes())
    (folder / "input.bin").write_bytes(b"".join(content))
    return ["main.c", "model.c", port]


def read_results(content: bytes, source: Source, rows: int, board: Board) -> tuple[list[Arrays], int, int]:
    """What the program wrote: the outputs of every row, the median of what was counted for one, bytes of stack.

    Raises
    ------
    BoardError
        It wrote something else.
    """
    place = 0
    one = 8 + sum(put.size * np.dtype(DTYPES[put.kind]).itemsize for put in source.outputs)
    if len(content) != rows * one + 4:
        said = f"it wrote {len(content)} bytes, not {rows * one + 4}; its stack may have overrun"
        raise BoardError(f"the program crashed on {board.title}: {said}", "crashed")

    def take(kind: type[np.generic], count: int) -> np.ndarray:
        nonlocal place
        values = np.frombuffer(content, kind, count, place)
        place += values.nbytes
        return values

    outputs, counts = [], []
    for _ in range(rows):
        counts.append(int(take(np.uint64, 1)[0]))
        outputs.append(tuple(take(DTYPES[put.kind], put.size).reshape(put.shape) for put in source.outputs))
    return outputs, median_low(counts), int(take(np.uint32, 1)[0])


def does_not_link(board: Board, messages: str, data_end: int = 0) -> BoardError:
    """The error that says, in the linker's words, why a program could not be built for a board.

    `data_end` is the address that a linker which only names the address of what lies outside should have kept below.
    """
    if overflow := re.search(r"region `(\w+)' overflowed by (\d+) bytes", messages):
        words = f"region {overflow[1].upper()} overflowed by {overflow[2]} bytes"
        outcome = "flash" if overflow[1].upper() in ("FLASH", "TEXT") else "ram"
    elif outside := re.search(r"address (0x\w+) of \S+ section `([.\w]+)' is not within region `data'", messages):
        words = f"section {outside[2]} ends at {outside[1]}, {int(outside[1], 16) - data_end} bytes outside region DATA"
        outcome = "ram"
    else:
        errors = [line.strip() for line in messages.splitlines() if "error" in line or "undefined reference" in line]
        said = errors[0] if errors else tools.last_line(messages)
        return BoardError(f"the C of this net does not compile for {board.title}: {said}", "operator")
    return BoardError(f"it does not fit on {board.title}: {words}; take a later round or --int8", outcome)


def _buffers(source: Source) -> str:
    def lines(action: str, puts: Sequence[Put], side: str) -> str:
        calls = (
            f"    {action}(model_{side}{number}(), sizeof({put.kind}) * {put.size}u);"
            for number, put in enumerate(puts)
        )
        return " \\\n".join(calls)

    return (
        "/* Reading, calling and writing for the model at hand. */\n"
        f"#define BUFFERS_READ() \\\n{lines('port_read', source.inputs, 'input')}\n"
        "#define BUFFERS_CALL() model()\n"
        f"#define BUFFERS_WRITE() \\\n{lines('port_write', source.outputs, 'output')}\n"
    )
