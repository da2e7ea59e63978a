"""Raspberry Pi: the onnxruntime for aarch64 itself, executed under QEMU's user mode, instructions counted.

The bits are those that a Pi gives. The time is not: instructions are counted, and how many a core finishes in a cycle
is an assumption with a range.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmark.errors import BenchError
from benchmark.hardware import sysroot, tools
from benchmark.hardware.boards import Board
from benchmark.hardware.exporting import Arrays
from benchmark.hardware.host import HERE, PROBE, Feed, probed
from benchmark.hardware.probe import COUNTED_CALLS
from benchmark.hardware.programs import FIRMWARE
from benchmark.hardware.running import LIMIT_SECONDS, Ran

if TYPE_CHECKING:
    import numpy as np
    import onnx

INSTRUCTIONS_A_CYCLE = {"cortex-a53": (0.5, 1.0, 1.5), "cortex-a72": (0.8, 1.4, 2.0), "cortex-a76": (1.0, 2.0, 3.0)}
"""By the core of a board: low, middle, high. An assumption; ncnn's published times on the boards lie inside."""
EMULATED_CORES = ("cortex-a53", "cortex-a72", "cortex-a76")
"""That QEMU 7.2 knows; a core decides which instructions onnxruntime finds."""


def execute(
    proto: onnx.ModelProto,
    board: Board,
    calls: Sequence[Arrays],
    limit: float = LIMIT_SECONDS,
    hops: int = 1,
    states: Sequence[np.ndarray] = (),
) -> Ran:
    """Call a graph in the aarch64 runtime; a call is counted with what Python does for it.

    Parameters are those of :func:`benchmark.hardware.host.execute`.

    Memory is that of the same runtime on this computer: an emulated process holds its emulator too.

    Raises
    ------
    BoardError
        It does not end, or the runtime fails.
    UsageError
        A tool is not installed, or the Pi's system is not fetched.
    """
    if board.core not in INSTRUCTIONS_A_CYCLE:
        raise BenchError(f"{board.title} has the core {board.core}, which is not emulated here")
    emulator = tools.program("qemu-aarch64")
    root = sysroot.found()
    version = tools.version(emulator)
    plugin = _plugin(version)
    command = [emulator, "-L", str(root.system), "-cpu", board.core, "-plugin", str(plugin)]
    for name, value in (("PYTHONHOME", root.system / "usr"), ("PYTHONPATH", root.packages), ("PYTHONHASHSEED", 0)):
        command += ["-E", f"{name}={value}"]
    feed = Feed(proto, calls, hops, states)
    outputs, facts, said = probed([*command, str(root.python), str(PROBE)], feed, 0.0, board, limit)
    counts = [int(count) for count in re.findall(r"^instructions (\d+)$", said, re.MULTILINE)]
    if len(counts) != 2:
        raise BenchError(f"QEMU {version} did not count instructions: {tools.last_line(said)}")
    instructions = counts[1] // COUNTED_CALLS
    held = probed(HERE, Feed(proto, calls[:1], hops, states), 0.0, board, limit)[1]["resident_bytes"]
    fast, middle, slow = (instructions / rate / board.clock_hz for rate in reversed(INSTRUCTIONS_A_CYCLE[board.core]))
    return Ran(
        outputs=outputs,
        flash_bytes=None,
        ram_bytes=held,
        seconds=(fast, middle, slow),
        clock="modelled",
        instructions=instructions,
        tools={"onnxruntime": facts["onnxruntime"], "qemu": version},
    )


def _plugin(version: str) -> str:
    # QEMU refuses plugins of another version of its interface, and says by number which it takes.
    interface = 1 if int(version.partition(".")[0]) < 9 else 2
    flags = ("-shared", "-fPIC", f"-DPLUGIN_VERSION={interface}")
    return str(tools.built("count", FIRMWARE / "count.c", flags=flags))
