"""From an ONNX graph to one C99 file and its header: no heap, no operating system, weights in flash.

The code of the operators is written by emx-onnx-cgen. What we do to it: mend what we know to be wrong
(:mod:`.c_repairs`), put all that it works on into one static arena (:mod:`.c_memory`), and give it a face of flat
arrays that C++ can use.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import BenchError
from benchmark.hardware import tools
from benchmark.hardware.c_memory import Layout, Put, laid_out
from benchmark.hardware.c_repairs import repaired, without_zeros
from benchmark.hardware.exporting import weight_bytes
from benchmark.hardware.quantize import WEIGHTED, Scale

if TYPE_CHECKING:
    import onnx

ENTRY = "model"


class NoCodeError(BenchError):
    """There is no C for an operator of the net."""


@dataclass(frozen=True)
class Source:
    """A model in C: write to `model_input0()`, call `model()`, read from `model_output0()`.

    A stream has a state that calls leave to the next one; `model_reset()` puts it to its start, also before the first.
    """

    code: str
    """Of model.c."""
    header: str
    """Of model.h."""
    inputs: tuple[Put, ...]
    outputs: tuple[Put, ...]
    arena_bytes: int
    array_bytes: int
    """Of all arrays in the arena, had each its own memory."""
    weight_bytes: int
    states: tuple[Put, ...] = ()


def generate(
    proto: onnx.ModelProto,
    inputs: Sequence[Scale | None] = (),
    outputs: Sequence[Scale | None] = (),
    states: Sequence[np.ndarray] = (),
) -> Source:
    """Write a graph of fixed shapes as C99.

    Parameters
    ----------
    inputs, outputs
        Scales of those that are bare integers (:func:`benchmark.hardware.bare.bare`), for the header.
    states
        What a stream's states are at the start. The last so many inputs and outputs of the graph are then kept by the
        C itself.

    Raises
    ------
    NoCodeError
        There is no C for an operator of the graph: which.
    BenchError
        The generator wrote something that is not understood.
    """
    tools.modules("onnx", "emx_onnx_cgen")
    text = repaired(_emitted(proto))
    layout = laid_out(without_zeros(text) if _symmetric(proto) else text, ENTRY, len(states))
    faces = [
        f"{put.kind} *model_{side}{number}(void) {{ return ({put.kind} *)(model_arena + {put.offset}); }}\n"
        for side, puts in (("input", layout.inputs), ("output", layout.outputs))
        for number, put in enumerate(puts)
    ]
    return Source(
        code=f'#include "model.h"\n#include <string.h>\n\n{layout.code}\n{"".join(faces)}{_reset(layout, states)}',
        header=_header(layout, inputs, outputs),
        inputs=layout.inputs,
        outputs=layout.outputs,
        arena_bytes=layout.arena_bytes,
        array_bytes=layout.array_bytes,
        weight_bytes=weight_bytes(proto),
        states=layout.states,
    )


def _emitted(proto: onnx.ModelProto) -> str:
    import onnx
    from emx_onnx_cgen.compiler import Compiler, CompilerOptions
    from emx_onnx_cgen.errors import CompilerError

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    for node in copy.graph.node:
        # The generator's GRU does not decode the attribute; forward is what its absence means.
        kept = [a for a in node.attribute if not (a.name == "direction" and a.s == b"forward")]
        del node.attribute[:]
        node.attribute.extend(kept)
    # Thresholds of zero: temporaries stay in the entry, where the arena finds them, and weights in the file.
    options = CompilerOptions(model_name=ENTRY, large_temp_threshold_bytes=0, large_weight_threshold=0)
    try:
        return str(Compiler(options).compile(copy))
    except CompilerError as error:
        said, _, where = tools.last_line(str(error)).partition(" (while lowering ")
        at = re.search(r"op_type=(\w+), name=(\w+)", where)
        raise NoCodeError(f"there is no C for this net: {said}{f', at {at[1]} {at[2]}' if at else ''}") from error


def _reset(layout: Layout, states: Sequence[np.ndarray]) -> str:
    """The function that puts the states to their start."""
    if not states:
        return ""
    tables, lines = [], []
    for number, (put, start) in enumerate(zip(layout.states, states, strict=True)):
        flat = np.ravel(start)
        if not flat.any():
            lines.append(f"    memset(model_arena + {put.offset}, 0, {put.size} * sizeof({put.kind}));\n")
            continue
        values = ", ".join(f"{float(x)!r}f" if put.kind == "float" else str(x) for x in flat.tolist())
        tables.append(f"static MODEL_ROM {put.kind} model_start{number}[{put.size}] = {{{values}}};\n")
        state = f"(({put.kind} *)(model_arena + {put.offset}))"
        lines.append(f"    for (idx_t i = 0; i < {put.size}; i++) {{ {state}[i] = model_start{number}[i]; }}\n")
    return f"{''.join(tables)}void model_reset(void) {{\n{''.join(lines)}}}\n"


def _symmetric(proto: onnx.ModelProto) -> bool:
    """Whether the zero of every integer weight is 0."""
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in proto.graph.initializer}
    zeros = [constants.get(node.input[5]) for node in proto.graph.node if node.op_type in WEIGHTED]
    return all(zero is not None and not numpy_helper.to_array(zero).any() for zero in zeros)


def _header(layout: Layout, inputs: Sequence[Scale | None], outputs: Sequence[Scale | None]) -> str:
    lines = ["#ifndef MODEL_H", "#define MODEL_H", "#include <stdint.h>", ""]
    functions = []
    for side, puts, scales in (("input", layout.inputs, inputs), ("output", layout.outputs, outputs)):
        for number, put in enumerate(puts):
            name = f"MODEL_{side.upper()}{number}"
            lines.append(f"#define {name}_SIZE {put.size} /* {' x '.join(map(str, put.shape))} */")
            if scale := (scales[number] if scales else None):
                lines.append(f"#define {name}_SCALE {scale.scale!r}f /* a number is (integer - zero) * scale */")
                lines.append(f"#define {name}_ZERO {scale.zero}")
            functions.append(f"{put.kind} *model_{side}{number}(void);")
    lines += [
        f"#define MODEL_ARENA_BYTES {layout.arena_bytes}",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "/* Write the inputs, call model(), read the outputs. The inputs are overwritten: write them every time. */",
        *functions,
        f"void {ENTRY}(void);",
        *(
            ["/* Before the first hop: forgets all that went before. */", "void model_reset(void);"]
            if layout.states
            else []
        ),
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "#endif",
    ]
    return "\n".join(lines) + "\n"
