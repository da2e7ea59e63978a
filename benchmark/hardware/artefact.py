"""What is executed of a net: its graph, or its C, in floats or in integers, and what it must give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from benchmark.hardware import avr, cortexm, host, parity, pi
from benchmark.hardware.bare import Bare, bare
from benchmark.hardware.boards import Board, Format
from benchmark.hardware.c import Source, generate
from benchmark.hardware.exporting import Arrays, call, export, session
from benchmark.hardware.quantize import halves, quantize
from benchmark.hardware.running import LIMIT_SECONDS, BoardError, Ran
from benchmark.hardware.streaming import Stream, stream

if TYPE_CHECKING:
    import numpy as np
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
    stream: Stream | None = None
    """How `proto` is fed, where it is a hop of the model; None: it is the whole model."""

    @property
    def states(self) -> tuple[np.ndarray, ...]:
        """At the start of a stream, in the bare graph's numbers."""
        return self.edges.start(self.stream.states) if self.stream else ()

    @cached_property
    def edges(self) -> Bare:
        """The graph that the C is made of: in int8, integers at its inputs and outputs too, and in its queues."""
        graph, states = self.proto.graph, len(self.stream.states) if self.stream else 0
        if self.format == "int8":
            return bare(self.proto, states)
        given, taken = len(graph.input) - states, len(graph.output) - states
        return Bare(self.proto, (None,) * given, (None,) * taken, (None,) * states)

    @cached_property
    def source(self) -> Source:
        """The net in C.

        Raises
        ------
        NoCodeError
            There is no C for an operator.
        """
        return generate(self.edges.proto, self.edges.inputs, self.edges.outputs, self.states)

    def calls(self, row: Arrays) -> list[Arrays]:
        """What the bare graph is called with, in order, for a row of inputs of the model."""
        parts = [(hop,) for hop in self.stream.hops(row[0])] if self.stream else [row]
        return [self.edges.enter(part) for part in parts]

    def answer(self, outputs: Sequence[Arrays]) -> Arrays:
        """The outputs for a row, in the bare graph's numbers, from those of its calls."""
        return (self.stream.whole([out for (out,) in outputs]),) if self.stream else outputs[0]

    def expected(self, row: Arrays) -> Arrays:
        """What must come of a row, in the bare graph's numbers: torch's in floats, onnxruntime's in integers."""
        if self.format == "fp32":
            return self.in_torch(row)
        return self.answer(self.in_runtime(self.calls(row)))

    def in_runtime(self, calls: Sequence[Arrays]) -> list[Arrays]:
        """What the bare graph gives in onnxruntime to the calls of a row."""
        outputs, states = [], self.states
        for one in calls:
            given = call(self._session, (*one, *states))
            places = len(given) - len(states)
            states = given[places:]
            outputs.append(given[:places])
        return outputs

    def in_torch(self, row: Arrays) -> Arrays:
        """What the torch model gives."""
        with torch.no_grad():
            given = self.model(*(torch.from_numpy(x) for x in row))
        return tuple(x.numpy() for x in ((given,) if isinstance(given, torch.Tensor) else given))

    def execute(self, board: Board, rows: Sequence[Arrays], limit: float = LIMIT_SECONDS) -> tuple[Ran, float]:
        """Run every row on a board, and compare: what came of it, and the largest error.

        Inputs and outputs are those of the whole model: floats, one entry a row. Times are those of a call of the whole
        model, too; instructions and cycles those of one hop of a stream.

        Raises
        ------
        BoardError
            It does not run there, or gives something else.
        UsageError
            A tool is not installed.
        """
        parts = [self.calls(row) for row in rows]
        calls, hops = [one for part in parts for one in part], len(parts[0])
        if board.family == "cortex-m":
            ran = cortexm.execute(self.source, board, calls, limit, hops)
        elif board.family == "avr":
            ran = avr.execute(self.source, board, calls, limit, hops)
        elif board.family == "linux":
            ran = pi.execute(self.edges.proto, board, calls, limit, hops, self.states)
        else:
            ran = host.execute(self.edges.proto, board, calls, limit, hops, self.states)
        answers = [self.answer(ran.outputs[first : first + hops]) for first in range(0, len(calls), hops)]
        try:
            either = self.format == "int8" and halves(self.edges.proto)
            error = max(
                parity.require(answer, self.expected(row), board.title, either)
                for answer, row in zip(answers, rows, strict=True)
            )
        except parity.ParityError as wrong:
            raise BoardError(str(wrong), "parity") from wrong
        each = self.stream.calls if self.stream else 1
        low, middle, high = (each * seconds for seconds in ran.seconds)
        outputs = [self.edges.leave(answer) for answer in answers]
        return replace(ran, outputs=outputs, seconds=(low, middle, high)), error

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return session(self.edges.proto)


def artefact(model: nn.Module, example: tuple[Tensor, ...]) -> Artefact:
    """Export a net in floats.

    Raises
    ------
    BenchError
        It cannot be exported, or a weight is not finite.
    """
    return Artefact(model, export(model, example), "fp32")


def streamed(model: nn.Module, example: Tensor) -> Artefact:
    """Export one hop of a net that can be fed hop by hop; all hops of the example together give what the net gives.

    Raises
    ------
    NotStreamable
        It cannot be.
    BenchError
        It cannot be exported, or a weight is not finite.
    """
    made = stream(model, example)
    found = Artefact(model, export(made.module, made.inputs), "fp32", made)
    row = (example.numpy(),)
    # The exporter was held to one hop from the first state: a state in another's place would not be seen there.
    parity.require(found.answer(found.in_runtime(found.calls(row))), found.in_torch(row), "onnxruntime, hop by hop,")
    return found


def quantised(floats: Artefact, rows: Sequence[Arrays]) -> Artefact:
    """The same in int8, ranges from rows of the model's inputs.

    Raises
    ------
    BenchError
        It cannot be quantised.
    """
    if floats.stream is None:
        return replace(floats, proto=quantize(floats.proto, rows), format="int8")
    runner, given = session(floats.proto), []
    # As many calls as there are rows, from all of them and all of their hops.
    for number, row in enumerate(rows):
        states = floats.states
        for place, one in enumerate(floats.calls(row)):
            if place % len(rows) == number:
                given.append((*one, *states))
            states = call(runner, (*one, *states))[1:]
    return replace(floats, proto=quantize(floats.proto, given), format="int8")
