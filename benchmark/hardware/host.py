"""The computer at hand: onnxruntime on one thread, in a process of its own so that its memory can be told."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.hardware import running, tools
from benchmark.hardware.boards import Board
from benchmark.hardware.exporting import Arrays
from benchmark.hardware.running import LIMIT_SECONDS, BoardError, Ran

if TYPE_CHECKING:
    import onnx

CLOCK_SECONDS = 0.5
PROBE = Path(__file__).parent / "probe.py"
HERE = (sys.executable, str(PROBE))


def execute(
    proto: onnx.ModelProto,
    board: Board,
    calls: Sequence[Arrays],
    limit: float = LIMIT_SECONDS,
    hops: int = 1,
    states: Sequence[np.ndarray] = (),
) -> Ran:
    """Call a graph; its time as lower quartile, median, upper quartile of a call.

    Parameters
    ----------
    limit
        Seconds that it may take.
    hops
        After so many calls the states of a stream are put to their start again.
    states
        What they are at the start.

    Raises
    ------
    BoardError
        It does not end, or the runtime fails.
    UsageError
        onnxruntime is not installed.
    """
    tools.modules("onnx", "onnxruntime")
    feed = Feed(proto, calls, hops, states)
    outputs, facts, _ = probed(HERE, feed, CLOCK_SECONDS, board, limit)
    low, middle, high = facts["seconds"]
    return Ran(
        outputs=outputs,
        flash_bytes=None,
        ram_bytes=facts["resident_bytes"],
        seconds=(low, middle, high),
        clock="measured",
        tools={"onnxruntime": facts["onnxruntime"]},
    )


@dataclass(frozen=True, eq=False)
class Feed:
    """A graph and what it is called with."""

    proto: onnx.ModelProto
    calls: Sequence[Arrays]
    hops: int
    states: Sequence[np.ndarray]


def probed(
    command: Sequence[str], feed: Feed, seconds: float, board: Board, limit: float
) -> tuple[list[Arrays], dict[str, Any], str]:
    """Outputs of every call, the figures that `probe.py` prints, and what it wrote to the other stream."""
    import onnx

    with TemporaryDirectory() as name:
        folder = Path(name)
        onnx.save(feed.proto, folder / "model.onnx")
        given = {f"{number}.{place}": x for number, call in enumerate(feed.calls) for place, x in enumerate(call)}
        given |= {f"start.{number}": state for number, state in enumerate(feed.states)}
        np.savez(folder / "calls.npz", **given)  # type: ignore[arg-type] # the names are no options of it
        arguments = ["model.onnx", "calls.npz", "results.npz", str(seconds), str(feed.hops)]
        done = running.run([*command, *arguments], folder, f"the run on {board.title}", limit)
        if done.returncode != 0:
            said = tools.last_line(done.stderr)
            raise BoardError(f"onnxruntime failed on {board.title} (exit {done.returncode}): {said}", "crashed")
        with np.load(folder / "results.npz", allow_pickle=False) as file:
            each = len(file.files) // len(feed.calls)
            outputs = [tuple(file[f"{n}.{place}"] for place in range(each)) for n in range(len(feed.calls))]
    return outputs, json.loads(tools.last_line(done.stdout)), done.stderr
