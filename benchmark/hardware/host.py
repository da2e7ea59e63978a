"""The computer at hand: onnxruntime on one thread, in a process of its own so that its memory can be told."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.hardware import tools
from benchmark.hardware.boards import Board
from benchmark.hardware.exporting import Arrays
from benchmark.hardware.running import LIMIT_SECONDS, BoardError, Ran

if TYPE_CHECKING:
    import onnx

CLOCK_SECONDS = 0.5
PROBE = Path(__file__).parent / "probe.py"


def execute(proto: onnx.ModelProto, board: Board, rows: Sequence[Arrays], limit: float = LIMIT_SECONDS) -> Ran:
    """Run a graph on every row; its time as lower quartile, median, upper quartile of a call.

    Raises
    ------
    BoardError
        It does not end, or the runtime fails.
    UsageError
        onnxruntime is not installed.
    """
    tools.modules("onnx", "onnxruntime")
    outputs, facts, _ = probed([sys.executable, str(PROBE)], proto, rows, CLOCK_SECONDS, board, limit)
    low, middle, high = facts["seconds"]
    return Ran(
        outputs=outputs,
        flash_bytes=None,
        ram_bytes=facts["resident_bytes"],
        seconds=(low, middle, high),
        clock="measured",
        tools={"onnxruntime": facts["onnxruntime"]},
    )


def probed(
    command: Sequence[str],
    proto: onnx.ModelProto,
    rows: Sequence[Arrays],
    seconds: float,
    board: Board,
    limit: float,
) -> tuple[list[Arrays], dict[str, Any], str]:
    """Outputs of every row, the figures that `probe.py` prints, and what it wrote to the other stream."""
    import onnx

    with TemporaryDirectory() as name:
        folder = Path(name)
        onnx.save(proto, folder / "model.onnx")
        given = {f"{number}.{place}": value for number, row in enumerate(rows) for place, value in enumerate(row)}
        np.savez(folder / "rows.npz", **given)  # type: ignore[arg-type] # the names are no options of it
        try:
            done = tools.run(
                [*command, "model.onnx", "rows.npz", "results.npz", str(seconds)],
                seconds=limit,
                what=f"the run on {board.title}",
                cwd=folder,
            )
        except tools.TimeLimitError as error:
            raise BoardError(str(error), "time limit") from error
        if done.returncode != 0:
            said = tools.last_line(done.stderr)
            raise BoardError(f"onnxruntime failed on {board.title} (exit {done.returncode}): {said}", "crashed")
        with np.load(folder / "results.npz", allow_pickle=False) as file:
            count = len(file.files) // len(rows)
            outputs = [tuple(file[f"{row}.{place}"] for place in range(count)) for row in range(len(rows))]
    return outputs, json.loads(tools.last_line(done.stdout)), done.stderr
