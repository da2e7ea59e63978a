"""What can be computed once and for all of an exported graph: products of weights, as with a window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from benchmark.hardware import tools

if TYPE_CHECKING:
    import onnx


def fold(proto: onnx.ModelProto) -> None:
    """Put a weight in the place of every operator that only reads weights, where it takes no more bytes than they.

    Left alone such an operator is computed in every call, into memory of its own: on a small board, more than it has.
    """
    from onnx import numpy_helper

    graph = proto.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    answers = {put.name for put in graph.output}
    made: dict[str, np.ndarray] = {}
    for node in list(graph.node):
        given = {name: constants[name] for name in node.input if name in constants}
        if not given or len(given) != len({name for name in node.input if name}) or answers & set(node.output):
            continue
        found = _computed(node, given, proto)
        if sum(x.nbytes for x in found.values()) <= sum(x.nbytes for x in given.values()):
            constants |= found
            made |= found
            graph.node.remove(node)
    if not made:
        return
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in made.items())
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _computed(node: onnx.NodeProto, given: Mapping[str, np.ndarray], proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    """The outputs of an operator, by name."""
    tools.modules("onnx", "onnxruntime")
    from onnx import helper

    from benchmark.hardware.exporting import call, session

    names = [name for name in node.output if name]
    puts = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in given.items()
    ]
    graph = helper.make_graph([node], "constant", puts, [helper.make_empty_tensor_value_info(name) for name in names])
    alone = helper.make_model(graph, opset_imports=proto.opset_import, ir_version=proto.ir_version)
    return dict(zip(names, call(session(alone), tuple(given.values())), strict=True))
