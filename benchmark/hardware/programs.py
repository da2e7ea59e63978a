"""Programs for boards without an operating system: written, compiled by the family's compiler, run in its emulator."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from tempfile import TemporaryDirectory

import numpy as np

from benchmark.hardware import running, tools
from benchmark.hardware.boards import Board
from benchmark.hardware.c import Source
from benchmark.hardware.c_memory import Put
from benchmark.hardware.exporting import Arrays
from benchmark.hardware.running import LIMIT_SECONDS, BoardError

FIRMWARE = Path(__file__).parent / "firmware"
DTYPES: dict[str, type[np.generic]] = {
    "float": np.float32,
    "double": np.float64,
    "bool": np.bool_,
    "int8_t": np.int8,
    "uint8_t": np.uint8,
    "int32_t": np.int32,
    "int64_t": np.int64,
}
"""By the name in C."""
ELF = "program.elf"


@dataclass(frozen=True)
class Built:
    """A program in its folder."""

    flash_bytes: int
    static_bytes: int
    """Of RAM, without stack."""
    command: Sequence[str]
    """That runs it there: it reads `input.bin` and writes `output.bin`."""


@dataclass(frozen=True)
class Family:
    """How a family of boards is compiled for and emulated."""

    port: str
    """Its file of `firmware/`."""
    build: Callable[[Path, Sequence[str]], Built]
    """(folder, C files in it) -> the program; raises a BoardError where it does not link."""
    exits: Mapping[int, str]
    """What the emulator's exit codes mean, in words."""


@dataclass(frozen=True)
class Measured:
    """What a program gave and took."""

    outputs: list[Arrays]
    """One entry a call."""
    count: int
    """Of what the family counts, for one call: the median."""
    flash_bytes: int
    ram_bytes: int
    """Data, arena and stack."""


def execute(family: Family, source: Source, board: Board, calls: Sequence[Arrays], hops: int, limit: float) -> Measured:
    """Compile a model for a board and call it.

    Parameters
    ----------
    hops
        After so many calls the state of a stream is put to its start again.
    limit
        Seconds that the emulation may take.

    Raises
    ------
    BoardError
        It does not link, does not end, crashes, or overruns its stack.
    UsageError
        A tool is not installed.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        built = family.build(folder, _write(folder, source, family.port, calls, hops))
        done = running.run(built.command, folder, f"the emulation of {board.title}", limit)
        if done.returncode != 0:
            said = family.exits.get(done.returncode) or tools.last_line(done.stderr)
            raise BoardError(f"the program crashed on {board.title}: {said}; its stack may have overrun", "crashed")
        outputs, count, stack = _read((folder / "output.bin").read_bytes(), source, len(calls), board)
    if built.static_bytes + stack >= board.block_bytes:
        words = f"the stack overran the data on {board.title}: {built.static_bytes} bytes of data leave too little"
        raise BoardError(words, "ram")
    return Measured(outputs, count, built.flash_bytes, built.static_bytes + stack)


def compiled(
    folder: Path, compiler: str, flags: Sequence[str], board: Board, data_end: int = 0
) -> tuple[int, int, int]:
    """Compile and link `program.elf` in a folder; bytes of text, data and bss.

    Parameters
    ----------
    data_end
        The address that a linker which only names the address of what lies outside should have kept below.

    Raises
    ------
    BoardError
        It does not compile or link, in the linker's words.
    """
    built = running.run([compiler, *flags, "-lm", "-o", ELF], folder, "the compiler", LIMIT_SECONDS)
    if built.returncode != 0:
        raise _does_not_link(board, built.stderr, data_end)
    return tools.sizes(compiler.replace("gcc", "size"), folder / ELF)


def does_not_fit(board: Board, words: str, outcome: str) -> BoardError:
    """The error of a program that a board has no room for."""
    return BoardError(f"it does not fit on {board.title}: {words}; take a later round or --int8", outcome)


def _write(folder: Path, source: Source, port: str, calls: Sequence[Arrays], hops: int) -> list[str]:
    """Write what a program is compiled from and fed with; the names of the C files."""
    (folder / "model.c").write_text(source.code)
    (folder / "model.h").write_text(source.header)
    (folder / "buffers.h").write_text(_buffers(source))
    for name in ("main.c", "port.h", port):
        (folder / name).write_bytes((FIRMWARE / name).read_bytes())
    content = [np.array([len(calls) // hops, hops], np.uint16).tobytes()]
    for call in calls:
        for put, value in zip(source.inputs, call, strict=True):
            if value.size != put.size:
                raise ValueError(f"{value.size} values for an input of {put.size}")
            content.append(np.ascontiguousarray(value, DTYPES[put.kind]).tobytes())
    (folder / "input.bin").write_bytes(b"".join(content))
    return ["main.c", "model.c", port]


def _read(content: bytes, source: Source, calls: int, board: Board) -> tuple[list[Arrays], int, int]:
    """What the program wrote: the outputs of every call, the median of what was counted for one, bytes of stack."""
    place = 0
    one = 8 + sum(put.size * np.dtype(DTYPES[put.kind]).itemsize for put in source.outputs)
    if len(content) != calls * one + 4:
        said = f"it wrote {len(content)} bytes, not {calls * one + 4}; its stack may have overrun"
        raise BoardError(f"the program crashed on {board.title}: {said}", "crashed")

    def take(kind: type[np.generic], count: int) -> np.ndarray:
        nonlocal place
        values = np.frombuffer(content, kind, count, place)
        place += values.nbytes
        return values

    outputs, counts = [], []
    for _ in range(calls):
        counts.append(int(take(np.uint64, 1)[0]))
        outputs.append(tuple(take(DTYPES[put.kind], put.size).reshape(put.shape) for put in source.outputs))
    return outputs, median_low(counts), int(take(np.uint32, 1)[0])


def _does_not_link(board: Board, messages: str, data_end: int) -> BoardError:
    if overflow := re.search(r"region `(\w+)' overflowed by (\d+) bytes", messages):
        words = f"region {overflow[1].upper()} overflowed by {overflow[2]} bytes"
        outcome = "flash" if overflow[1].upper() in ("FLASH", "TEXT") else "ram"
    elif outside := re.search(r"address (0x\w+) of \S+ section `([.\w]+)' is not within region `data'", messages):
        words = f"section {outside[2]} ends at {outside[1]}, {int(outside[1], 16) - data_end} bytes outside region DATA"
        outcome = "ram"
    elif large := re.search(r"size of array \W(\w+)\W is too large", messages):
        words, outcome = f"array {large[1]} is larger than the compiler lets an object be", "flash"
    else:
        errors = [line.strip() for line in messages.splitlines() if "error" in line or "undefined reference" in line]
        said = errors[0] if errors else tools.last_line(messages)
        return BoardError(f"the C of this net does not compile for {board.title}: {said}", "operator")
    return does_not_fit(board, words, outcome)


def _buffers(source: Source) -> str:
    def lines(action: str, puts: Sequence[Put], side: str) -> str:
        calls = (
            f"    {action}(model_{side}{number}(), sizeof({put.kind}) * {put.size}u);"
            for number, put in enumerate(puts)
        )
        return " \\\n".join(calls)

    return (
        "/* Reading, calling and writing for the model at hand. */\n"
        f"#define BUFFERS_RESET() {'model_reset()' if source.states else '((void)0)'}\n"
        f"#define BUFFERS_READ() \\\n{lines('port_read', source.inputs, 'input')}\n"
        "#define BUFFERS_CALL() model()\n"
        f"#define BUFFERS_WRITE() \\\n{lines('port_write', source.outputs, 'output')}\n"
    )
