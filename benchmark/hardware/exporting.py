"""From a torch module to an ONNX graph, checked against the module."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import BenchError
from benchmark.hardware import parity, tools
from benchmark.hardware.folding import fold
from benchmark.hardware.singles import in_single

if TYPE_CHECKING:
    import onnx
    import onnxruntime
    from torch import Tensor, nn

Arrays = tuple[np.ndarray, ...]
"""The inputs or the outputs of one call."""


def export(model: nn.Module, inputs: tuple[Tensor, ...]) -> onnx.ModelProto:
    """The graph of a module in evaluation mode, for inputs of exactly these shapes, without metadata.

    Norms are folded into the convolutions before them by the exporter, and weights into one where only they meet;
    sines of doubles are taken in single precision. It is run in onnxruntime on `inputs`, and gives
    what the module gives.

    Raises
    ------
    BenchError
        A weight is not finite, the module cannot be exported, or the graph gives something else.
    """
    import torch

    tools.modules("onnx", "onnxscript", "onnxruntime")
    refuse_unfinite(model)
    # Of one tensor that is given twice, the exporter makes one input.
    inputs = tuple(x.clone() for x in inputs)
    was_training = model.training
    model.eval()
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(model, inputs, dynamo=True, verbose=False)
            expected = model(*inputs)
    except torch.onnx.OnnxExporterError as error:
        raise BenchError(f"{type(model).__name__} cannot be exported to ONNX: {_cause(error)}") from error
    finally:
        model.train(was_training)
    assert program is not None
    proto: onnx.ModelProto = program.model_proto
    strip(proto)
    fold(proto)
    in_single(proto)
    if len(proto.graph.input) != len(inputs):
        raise BenchError(f"{type(model).__name__} reads {len(proto.graph.input)} of its {len(inputs)} inputs")
    results = (expected,) if isinstance(expected, torch.Tensor) else tuple(expected)
    given = call(session(proto), tuple(x.numpy() for x in inputs))
    parity.require(given, tuple(x.numpy() for x in results), "onnxruntime")
    return proto


def refuse_unfinite(model: nn.Module) -> None:
    """Ask for weights and buffers that are finite.

    Raises
    ------
    BenchError
        One is not: which.
    """
    for name, tensor in model.state_dict().items():
        if not tensor.isfinite().all():
            raise BenchError(f"{name} of {type(model).__name__} holds NaN or infinity: train it again")


def strip(proto: onnx.ModelProto) -> None:
    """Take away what only a reader of the torch code needs: three quarters of a small file."""
    graph = proto.graph
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*graph.input, *graph.output):
        del value.metadata_props[:]
    del graph.value_info[:], graph.metadata_props[:], proto.metadata_props[:], proto.functions[:]


def session(proto: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """The graph ready to run, on one thread of this CPU.

    Raises
    ------
    BenchError
        The runtime does not take the graph.
    """
    tools.modules("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    # The runtime's own exceptions have no common class but this one.
    except Exception as error:
        raise BenchError(f"onnxruntime does not take the graph: {tools.last_line(str(error))}") from error


def call(run: onnxruntime.InferenceSession, inputs: Sequence[np.ndarray]) -> Arrays:
    """One inference."""
    named = {put.name: value for put, value in zip(run.get_inputs(), inputs, strict=True)}
    return tuple(np.asarray(value) for value in run.run(None, named))


def weight_bytes(proto: onnx.ModelProto) -> int:
    """Bytes of all constants: what the file holds beside its structure."""
    from onnx import numpy_helper

    return sum(numpy_helper.to_array(tensor).nbytes for tensor in proto.graph.initializer)


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside: no advice of the exporter about packages and code that are not ours."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _cause(error: BaseException) -> str:
    """The first line of what lies at the bottom of an error."""
    while error.__cause__ is not None:
        error = error.__cause__
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
