"""A quantised graph without its edges: the caller gives and takes integers, and a stream's queues stay integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.hardware.exporting import Arrays
from benchmark.hardware.quantize import Scale, state_shapes

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Bare:
    """A quantised graph that takes and gives integers, where it can: its edges are the caller's."""

    proto: onnx.ModelProto
    inputs: tuple[Scale | None, ...]
    """None: that input is as it was. States are not among them."""
    outputs: tuple[Scale | None, ...]
    states: tuple[Scale | None, ...] = ()
    """None: that state is carried as it was."""

    def enter(self, inputs: Arrays) -> Arrays:
        """What the bare graph takes for these inputs of the whole one."""
        return _quantized(self.inputs, inputs)

    def start(self, states: Arrays) -> Arrays:
        """What the bare graph carries for these states of the whole one."""
        return _quantized(self.states, states)

    def leave(self, outputs: Arrays) -> Arrays:
        """What the whole graph gives where the bare one gives these outputs."""
        return tuple(s.dequantize(x) if s else x for s, x in zip(self.outputs, outputs, strict=True))


def _quantized(scales: Sequence[Scale | None], values: Arrays) -> Arrays:
    return tuple(s.quantize(x) if s else x for s, x in zip(scales, values, strict=True))


def bare(proto: onnx.ModelProto, states: int = 0) -> Bare:
    """Without quantisation of inputs and dequantisation of outputs: a quarter of the caller's memory.

    Parameters
    ----------
    states
        The last so many inputs and outputs are carried: what comes out of one call goes into the next. Queues, which
        only wait to be put before what comes next, are carried as integers in the scale of the whole. What else there
        is, stays in floats: its two edges have not the same scale.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    graph = _Graph(copy.graph)
    given, before = _apart(copy.graph.input, states)
    taken, after = _apart(copy.graph.output, states)
    found = Bare(
        copy,
        tuple(graph.enter(put) for put in given),
        tuple(graph.leave(put) for put in taken),
        tuple(graph.carry(old, new) for old, new in zip(before, after, strict=True)),
    )
    state_shapes(copy)
    return found


def _apart(puts: Sequence[Any], states: int) -> tuple[list[Any], list[Any]]:
    """Inputs or outputs: the caller's, and those that are carried."""
    return list(puts[: len(puts) - states]), list(puts[len(puts) - states :])


class _Graph:
    """A graph that is rewritten in place; a put is an input or output of it."""

    def __init__(self, graph: Any) -> None:
        from onnx import numpy_helper

        self._nodes = graph.node
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}

    def enter(self, put: Any) -> Scale | None:
        """Make an input the integers that are made of it, where nothing else is."""
        reader = self._reader(put.name, "QuantizeLinear")
        return self._without(reader, put, reader.output[0]) if reader else None

    def leave(self, put: Any) -> Scale | None:
        """Make an output the integers that it is made of."""
        writer = self._writer(put.name, "DequantizeLinear")
        return self._without(writer, put, writer.input[0]) if writer else None

    def carry(self, old: Any, new: Any) -> Scale | None:
        """Make a queue integers: what is put before what comes next, and the end of both, which is the next state."""
        reader = self._reader(old.name, "QuantizeLinear")
        both = self._reader(reader.output[0], "QLinearConcat") if reader else None
        end = self._writer(new.name, "Slice")
        floats = self._writer(end.input[0], "DequantizeLinear") if end else None
        if not (reader and both and end and floats) or floats.input[0] != both.output[0] or self._readers(new.name):
            return None
        scale = self._scale(both.input[:2])
        if scale is None or scale != self._scale(floats.input[1:3]):
            return None
        place = list(both.input).index(reader.output[0])
        for offset, name in enumerate((old.name, *both.input[:2])):
            both.input[place + offset] = name
        end.input[0] = both.output[0]
        self._nodes.remove(reader)
        if not self._readers(floats.output[0]):
            self._nodes.remove(floats)
        for put in (old, new):
            _becomes_integer(put, put.name)
        return scale

    def _without(self, edge: Any, put: Any, behind: str) -> Scale | None:
        """The tensor behind an edge becomes the put, under the name that the other nodes know."""
        scale = self._scale(edge.input[1:3])
        if scale:
            _becomes_integer(put, behind)
            self._nodes.remove(edge)
        return scale

    def _readers(self, name: str) -> list[Any]:
        return [node for node in self._nodes if name in node.input]

    def _reader(self, name: str, kind: str) -> Any | None:
        """The only one, if it is of that kind."""
        found = self._readers(name)
        return found[0] if len(found) == 1 and found[0].op_type == kind else None

    def _writer(self, name: str, kind: str) -> Any | None:
        return next((node for node in self._nodes if name in node.output and node.op_type == kind), None)

    def _scale(self, names: Sequence[str]) -> Scale | None:
        scale, zero = (self._constants.get(name) for name in names)
        if scale is None or zero is None or scale.size != 1 or zero.dtype != np.int8:
            return None
        return Scale(float(scale.item()), int(zero.item()))


def _becomes_integer(put: Any, name: str) -> None:
    from onnx import TensorProto

    put.name = name
    put.type.tensor_type.elem_type = TensorProto.INT8
