"""What a net takes on any board: bytes of weights and activations, traffic, calls of slow functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from benchmark.errors import RecordError
from benchmark.hardware.boards import FORMATS, Format

if TYPE_CHECKING:
    from torch import Tensor, nn

    from benchmark.hardware.streaming import Stream


@dataclass(frozen=True)
class Footprint:
    """One forward of batch size 1; all figures are bytes but those of calls and MACs.

    The arena holds input, output and everything between, as :mod:`benchmark.hardware.arena` plans it; its bound is the
    most that is needed at one time, which no plan gets below. Traffic counts every step's operands and weights once as
    read and its results once as written. In int8, recurrent layers and transforms stay in fp32, as in the ONNX runtime.
    """

    weights_fp32: int
    weights_int8: int
    arena_fp32: int
    arena_int8: int
    bound_fp32: int
    bound_int8: int
    read_fp32: int
    written_fp32: int
    functions: int
    """Calls of tanh, sigmoid, exp and the like."""
    stream_calls: int = 0
    """Hops of :mod:`benchmark.hardware.streaming` that take the place of one forward; 0 where the net is no stream."""
    stream_arena_fp32: int = 0
    """For a hop: carried state, which is never free, and the activations of one hop."""
    stream_arena_int8: int = 0
    stream_state_fp32: int = 0
    """The carried state alone."""
    stream_state_int8: int = 0
    stream_macs: int = 0
    """For a hop, as are the functions."""
    stream_functions: int = 0
    stream_only: int = 0
    """1 where a net is told next what it has answered: nothing but the stream is what a board would run."""

    def weights(self, number_format: Format) -> int:
        """Bytes of the weights as they lie in flash, norms folded."""
        return self.weights_int8 if number_format == "int8" else self.weights_fp32

    def arena(self, number_format: Format, streamed: bool = False) -> int:
        """Bytes of the planned block of activations, and of the carried state where the net is a stream."""
        if streamed:
            return self.stream_arena_int8 if number_format == "int8" else self.stream_arena_fp32
        return self.arena_int8 if number_format == "int8" else self.arena_fp32

    def entry(self) -> dict[str, int]:
        """As a record holds it: without a stream's figures where there is none."""
        none = set() if self.stream_calls else _STREAM
        left_out = none if self.stream_only else none | {"stream_only"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}

    @classmethod
    def of(cls, entry: Mapping[str, int]) -> Footprint:
        """From a record.

        Raises
        ------
        RecordError
            A figure is missing or unknown.
        """
        names = {f.name for f in fields(cls)}
        if wrong := sorted((set(entry) | _STREAM) ^ names):
            raise RecordError(f"memory figures {', '.join(wrong)} are missing or unknown")
        return cls(**entry)


_STREAM = {f.name for f in fields(Footprint) if f.name.startswith("stream_")}


def footprint(model: nn.Module, example: Tensor | tuple[Any, ...]) -> Footprint:
    """Measure a model on an example of batch size 1; the model is left as it was.

    Raises
    ------
    benchmark.hardware.graph.UnknownOperator
        The model does something whose memory nobody has stated.
    """
    from benchmark.hardware.arena import plan
    from benchmark.hardware.graph import trace

    graph = trace(model, example)
    fp32, int8 = plan(graph, "fp32"), plan(graph, "int8")
    read, written = graph.traffic("fp32")
    return Footprint(
        weights_fp32=graph.weights("fp32"),
        weights_int8=graph.weights("int8"),
        arena_fp32=fp32.size,
        arena_int8=int8.size,
        bound_fp32=fp32.bound,
        bound_int8=int8.bound,
        read_fp32=read,
        written_fp32=written,
        functions=graph.functions,
        **_stream_figures(model, example),
    )


def _stream_figures(model: nn.Module, example: Tensor | tuple[Any, ...]) -> dict[str, int]:
    """Nothing where the net is no stream."""
    from benchmark.hardware.arena import plan
    from benchmark.hardware.graph import trace
    from benchmark.hardware.streaming import NotStreamable, stream

    if isinstance(example, tuple):
        return {}
    try:
        made = stream(model, example)
    except NotStreamable:
        return {}
    graph = trace(made.module, made.inputs)
    carried = list(zip(graph.inputs[1:], graph.outputs[1:], strict=True))
    sizes = {f: sum(graph.buffers[after].bytes(f) for _, after in carried) for f in FORMATS}
    arenas = {f: plan(graph, f, carried).size for f in FORMATS}
    return {
        "stream_calls": made.calls,
        "stream_arena_fp32": arenas["fp32"],
        "stream_arena_int8": arenas["int8"],
        "stream_state_fp32": sizes["fp32"],
        "stream_state_int8": sizes["int8"],
        "stream_macs": _macs(made),
        "stream_functions": graph.functions,
        "stream_only": int(made.feeds_back),
    }


def _macs(made: Stream) -> int:
    """Of a hop: layer by layer, or by operator where a hop takes part of a layer, past its own forward."""
    from benchmark.measure import UnknownLayer, macs, macs_by_operator

    try:
        return macs(made.module, made.inputs)
    except UnknownLayer:
        return macs_by_operator(made.module, made.inputs)
