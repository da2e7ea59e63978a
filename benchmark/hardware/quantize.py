"""Eight-bit integers: weights by channel, activations by tensor, ranges from a pinned calibration set."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import BenchError
from benchmark.hardware import tools
from benchmark.hardware.exporting import Arrays, call, session, strip
from benchmark.hardware.rows import inputs, spread

if TYPE_CHECKING:
    import onnx

    from benchmark.task import Split

CALIBRATION_ROWS = 64
WEIGHTED = ("QLinearConv", "QLinearMatMul", "QGemm")
"""Integer operators with weights, whose zero is the sixth input. They add up integers and round once: everywhere to the
same."""


@dataclass(frozen=True)
class Scale:
    """A real number is (integer - zero) * scale."""

    scale: float
    zero: int

    def quantize(self, values: np.ndarray) -> np.ndarray:
        """Nearest int8, halves to even, in the arithmetic of QuantizeLinear."""
        steps = np.rint(values.astype(np.float32) / np.float32(self.scale)) + self.zero
        integers: np.ndarray = np.clip(steps, -128, 127).astype(np.int8)
        return integers

    def dequantize(self, values: np.ndarray) -> np.ndarray:
        """Back to float32."""
        floats: np.ndarray = (values.astype(np.float32) - np.float32(self.zero)) * np.float32(self.scale)
        return floats


def calibration_rows(split: Split, count: int = CALIBRATION_ROWS, shape: Sequence[int] | None = None) -> list[Arrays]:
    """Rows evenly spread over a split: the same every time, from all of its items; of longer ones the beginning."""
    return inputs(split, spread(len(split), count), shape)


def quantize(proto: onnx.ModelProto, rows: Sequence[Arrays]) -> onnx.ModelProto:
    """The graph with integer operators (QLinearConv, QGemm and so on), ranges from the least to the largest seen.

    Operators that have no integer form (GRU, LSTM, transposed convolutions) stay in floats between a dequantisation
    and a quantisation, and so do those whose results the quantiser would lose. Not every small model gains:
    measure the task's metric.

    Raises
    ------
    BenchError
        The quantiser does not take the graph, or there are no rows.
    """
    tools.modules("onnx", "onnxruntime")
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    if not rows:
        raise BenchError("there are no rows to calibrate the ranges of the activations on")
    names = [put.name for put in proto.graph.input]

    class Reader(CalibrationDataReader):  # type: ignore[misc] # the package has no annotations
        def __init__(self) -> None:
            self.rows = iter(rows)

        def get_next(self) -> dict[str, np.ndarray] | None:
            row = next(self.rows, None)
            return None if row is None else dict(zip(names, row, strict=True))

    apart: dict[str, str] = {}
    with _quiet(), _saved() as path:
        while True:
            try:
                quantize_static(
                    onnx.shape_inference.infer_shapes(proto),
                    path,
                    Reader(),
                    quant_format=QuantFormat.QOperator,
                    activation_type=QuantType.QInt8,
                    weight_type=QuantType.QInt8,
                    per_channel=True,
                    nodes_to_exclude=list(apart),
                )
                break
            # It raises whatever comes: there is no error of its own.
            except Exception as error:
                found = _lost(proto, str(error))
                if found.keys() <= apart.keys():
                    at = f" at {', '.join(sorted({*found.values()}))}" if found else ""
                    raise BenchError(f"the graph cannot be quantised{at}: {' '.join(str(error).split())}") from error
                apart |= found
        result = onnx.load(path)
    strip(result)
    state_shapes(result)
    return result


def _lost(proto: onnx.ModelProto, message: str) -> dict[str, str]:
    """Names and kinds of the operators whose results the quantiser says that it has lost, or that read lost weights.

    It leaves Where and some Pads in floats, but does not turn what they read back into floats.
    """
    lost = set(re.findall(r"'([^']+)'", message)) if "unknown initializers/tensors" in message else set()
    weights = lost & {tensor.name for tensor in proto.graph.initializer}
    nodes = [node for node in proto.graph.node if lost & set(node.output) or weights & set(node.input)]
    return {node.name: node.op_type for node in nodes}


def halves(proto: onnx.ModelProto) -> bool:
    """Whether platforms may round a half in a graph differently, onnxruntime's own among them.

    A sum or product of two activations has two scales, which it applies in floats in one order on one processor, in
    another order or in fixed point on others; so has what is computed in floats between.
    """
    kinds = {node.op_type for node in proto.graph.node} - {*WEIGHTED}
    return any(kind.startswith("QLinear") or kind == "QuantizeLinear" for kind in kinds)


def state_shapes(proto: onnx.ModelProto) -> None:
    """Write the shape of every intermediate tensor into the graph, by running it once on zeros.

    ONNX cannot infer them through operators of other domains, as QGemm is.
    """
    import onnx
    from onnx import helper

    graph = proto.graph
    exposed = onnx.ModelProto()
    exposed.CopyFrom(proto)
    known = {put.name for put in graph.output}
    inner = [name for node in graph.node for name in node.output if name and name not in known]
    exposed.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in inner)
    zeros = tuple(
        np.zeros(
            [d.dim_value for d in put.type.tensor_type.shape.dim],
            helper.tensor_dtype_to_np_dtype(put.type.tensor_type.elem_type),
        )
        for put in graph.input
    )
    values = call(session(exposed), zeros)[len(known) :]
    del graph.value_info[:]
    graph.value_info.extend(
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in zip(inner, values, strict=True)
    )


def noise_ratio(given: Sequence[Arrays], expected: Sequence[Arrays]) -> float:
    """Decibels of signal over quantisation noise, over all rows and outputs; infinite where nothing differs."""
    a, b = (np.concatenate([np.ravel(x) for row in rows for x in row]).astype(np.float64) for rows in (given, expected))
    noise = float(((a - b) ** 2).sum())
    return float(10 * np.log10((b**2).sum() / noise)) if noise else np.inf


@contextmanager
def _saved() -> Iterator[str]:
    """A path that the quantiser, which returns nothing, can write to."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        yield str(Path(folder) / "quantised.onnx")


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside: the quantiser's advice, which it gives to the root logger, is not printed."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
