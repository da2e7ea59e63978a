"""Sines and cosines of doubles in single precision: a Pi's onnxruntime has none of doubles, and small boards are slow.

A net that adds up phases in doubles, and reduces them before it takes the sine, loses the last bits of a float. Of one
that does not reduce them the outputs differ from torch's, which the exporter refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

FUNCTIONS = ("Cos", "Sin")


def in_single(proto: onnx.ModelProto) -> None:
    """Put a cast before and after each of these operators that takes doubles."""
    from onnx import TensorProto, helper, shape_inference

    graph = proto.graph
    if not any(node.op_type in FUNCTIONS for node in graph.node):
        return
    inferred = shape_inference.infer_shapes(proto).graph
    kinds = {value.name: value.type.tensor_type.elem_type for value in (*inferred.value_info, *inferred.input)}
    nodes = []
    for node in graph.node:
        if node.op_type not in FUNCTIONS or kinds.get(node.input[0]) != TensorProto.DOUBLE:
            nodes.append(node)
            continue
        (given,), (wanted,) = node.input, node.output
        single, found = f"{wanted}_of_single", f"{wanted}_single"
        nodes += [
            helper.make_node("Cast", [given], [single], name=f"{single}_cast", to=TensorProto.FLOAT),
            helper.make_node(node.op_type, [single], [found], name=node.name),
            helper.make_node("Cast", [found], [wanted], name=f"{wanted}_cast", to=TensorProto.DOUBLE),
        ]
    kept = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)
