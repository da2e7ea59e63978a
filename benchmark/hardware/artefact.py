"""What is executed of a net: its graph, or its C, in floats or in integers, and what it must give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from benchmark.hardware import avr, cortexm, host, parity, pi
from benchmark.hardware.boards import Board, Format
from benchmark.hardware.c import Source, generate
from benchmark.hardware.exporting import Arrays, call, export, session
from benchmark.hardware.quantize import Bare, bare, quantize
from benchmark.hardware.running import LIMIT_SECONDS, BoardError, Ran

if TYPE_CHECKING:
    import onnx
    import onnxruntime
    from torch import Tensor, nn

PROGRAMS = {
    "cortex-m": ("emx_onnx_cgen", "arm-none-eabi-gcc", "qemu-system-arm"),
    "avr": ("emx_onnx_cgen", "avr-gcc", "simavr", "gcc"),
    "linux": ("onnxruntime", "qemu-aarch64", "gcc"),
    "host": ("onnxruntime",),
}
"""By the family of a board: what executing on it needs."""


@dataclass(frozen=True, eq=False)
class Artefact:
    """An exported net, in one number format."""

    model: nn.Module
    proto: onnx.ModelProto
    """As exported; in int8 with integer operators, and floats at its inputs and outputs."""
    format: Format

    @cached_property
    def edges(self) -> Bare:
        """The graph that the C is made of: in int8, integers at its inputs and outputs too."""
        if self.format == "int8":
            return bare(self.proto)
        return Bare(self.proto, (None,) * len(self.proto.graph.input), (None,) * len(self.proto.graph.output))

    @cached_property
    def source(self) -> Source:
        """The net in C.

        Raises
        ------
        NoCodeError
            There is no C for an operator.
        """
        return generate(self.edges.proto, self.edges.inputs, self.edges.outputs)

    def expected(self, row: Arrays) -> Arrays:
        """What the bare graph must give on a row that is its: of torch in floats, of onnxruntime in integers."""
        return call(self._session, row) if self.format == "int8" else self.in_torch(row)

    def in_torch(self, row: Arrays) -> Arrays:
        """What the torch model gives."""
        with torch.no_grad():
            given = self.model(*(torch.from_numpy(x) for x in row))
        return tuple(x.numpy() for x in ((given,) if isinstance(given, torch.Tensor) else given))

    def execute(self, board: Board, rows: Sequence[Arrays], limit: float = LIMIT_SECONDS) -> tuple[Ran, float]:
        """Run every row on a board, and compare: what came of it, and the largest error.

        Inputs and outputs are those of the whole graph: floats.

        Raises
        ------
        BoardError
            It does not run there, or gives something else.
        UsageError
            A tool is not installed.
        """
        given = [self.edges.enter(row) for row in rows]
        if board.family == "cortex-m":
            ran = cortexm.execute(self.source, board, given, limit)
        elif board.family == "avr":
            ran = avr.execute(self.source, board, given, limit)
        elif board.family == "linux":
            ran = pi.execute(self.edges.proto, board, given, limit)
        else:
            ran = host.execute(self.edges.proto, board, given, limit)
        try:
            error = max(
                parity.require(out, self.expected(row), board.title)
                for out, row in zip(ran.outputs, given, strict=True)
            )
        except parity.ParityError as wrong:
            raise BoardError(str(wrong), "parity") from wrong
        return replace(ran, outputs=[self.edges.leave(out) for out in ran.outputs]), error

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return session(self.edges.proto)


def artefact(model: nn.Module, inputs: tuple[Tensor, ...], calibration: Sequence[Arrays] | None = None) -> Artefact:
    """Export a net; with rows to calibrate on, quantise it to int8.

    Raises
    ------
    BenchError
        It cannot be exported or quantised, or a weight is not finite.
    """
    proto = export(model, inputs)
    if calibration is None:
        return Artefact(model, proto, "fp32")
    return Artefact(model, quantize(proto, calibration), "int8")
