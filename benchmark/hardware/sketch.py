"""A folder that the Arduino IDE opens: the net in C, an example with its answer, and a program that compares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark.files import write_whole
from benchmark.hardware.c import Source
from benchmark.hardware.c_memory import Put
from benchmark.hardware.exporting import Arrays
from benchmark.hardware.programs import FIRMWARE


def write_c(folder: Path, source: Source) -> None:
    """Write `model.c` and `model.h` into a folder, which is made."""
    write_whole(folder / "model.c", source.code.encode())
    write_whole(folder / "model.h", source.header.encode())


def write_sketch(folder: Path, source: Source, about: str, inputs: Arrays, outputs: Arrays) -> None:
    """Write a sketch into a folder, which is made; the sketch has the folder's name, as the IDE wants it.

    Parameters
    ----------
    about
        One line on what the net is.
    inputs, outputs
        An example as the C function takes and gives it. The sketch says how far a board's answer is from it.
    """
    write_c(folder, source)
    example = _arrays("input", source.inputs, inputs) + _arrays("output", source.outputs, outputs)
    write_whole(folder / "example.h", (_EXAMPLE_HEAD + example + "#endif\n").encode())
    text = (FIRMWARE / "sketch.ino").read_text()
    copies = [
        f"  memcpy_P(model_input{i}(), example_input{i}, sizeof example_input{i});" for i in range(len(source.inputs))
    ]
    checks = [
        f"  worst = compare(worst, model_output{i}(), example_output{i}, MODEL_OUTPUT{i}_SIZE);"
        for i in range(len(source.outputs))
    ]
    reset = "  model_reset(); // The example is a first hop; leave this out between hops.\n" if source.states else ""
    marks = {"@ABOUT@": about, "@RESET@": reset, "@COPY@": "\n".join(copies), "@COMPARE@": "\n".join(checks)}
    for mark, value in marks.items():
        text = text.replace(mark, value)
    write_whole(folder / f"{folder.name}.ino", text.encode())


_EXAMPLE_HEAD = """\
/* An input and what the net answers to it, kept in flash. */
#ifndef EXAMPLE_H
#define EXAMPLE_H
#include <stdint.h>
#include <string.h>
#if defined(__AVR__)
#include <avr/pgmspace.h>
#elif !defined(PROGMEM)
#define PROGMEM
#define memcpy_P memcpy
#endif
"""


def _arrays(side: str, puts: Sequence[Put], values: Arrays) -> str:
    lines = []
    for number, (put, value) in enumerate(zip(puts, values, strict=True)):
        flat = np.ravel(value)
        words = [f"{float(np.float32(x))!r}f" for x in flat] if put.kind == "float" else [str(int(x)) for x in flat]
        lines.append(f"static const {put.kind} example_{side}{number}[{put.size}] PROGMEM = {{{', '.join(words)}}};\n")
    return "".join(lines)
