"""What tests of exporting and executing share: small trained-looking nets, their inputs, a C compiler's answer."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmark.hardware import boards, tools
from benchmark.hardware.artefact import Artefact, artefact, quantised, streamed
from benchmark.hardware.boards import Board
from benchmark.hardware.c import Source
from benchmark.hardware.c_memory import Put
from benchmark.hardware.exporting import Arrays
from benchmark.hardware.programs import DTYPES
from benchmark.hardware.quantize import quantize
from tests.hardware import zoo
from tests.trimming.zoo import scattered


class Step(nn.Module):
    """One step of a recurrent net: a number in, a number out, its state passed on by the caller."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.out = nn.GRU(1, 12, batch_first=True), nn.Linear(12, 1)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        y, state = self.layer(x, state)
        return self.out(y), state


class Both(nn.Module):
    """A recurrent layer in both directions, every step of which counts."""

    def __init__(self, kind: type[nn.GRU] | type[nn.LSTM]) -> None:
        super().__init__()
        self.layer, self.out = kind(3, 5, batch_first=True, bidirectional=True), nn.Linear(10, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.layer(x)[0])


def dense() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def net(name: str) -> tuple[nn.Module, tuple[tuple[int, ...], ...]]:
    """A net with scattered norms and the shapes of its inputs."""
    torch.manual_seed(0)
    if name in zoo.ZOO:
        build, shape = zoo.ZOO[name]
        return scattered(build()).eval(), (shape,)
    others = {
        "dense": (dense, ((1, 4),)),
        "step": (Step, ((1, 1, 1), (1, 1, 12))),
        "both-lstm": (lambda: Both(nn.LSTM), ((1, 6, 3),)),
        "both-gru": (lambda: Both(nn.GRU), ((1, 6, 3),)),
    }
    build, shapes = others[name]
    return build().eval(), shapes


def rows(shapes: tuple[tuple[int, ...], ...], count: int) -> list[Arrays]:
    random = np.random.default_rng(0)
    return [tuple(random.standard_normal(shape).astype(np.float32) for shape in shapes) for _ in range(count)]


@cache
def made(name: str, number_format: str = "fp32") -> Artefact:
    """The exported net; exporting takes a second, so it is done once for all tests."""
    torch.set_num_threads(1)
    if number_format == "int8":
        floats = made(name)
        return Artefact(floats.model, quantize(floats.proto, rows(net(name)[1], 32)), "int8")
    model, shapes = net(name)
    return artefact(model, tuple(torch.from_numpy(x) for x in rows(shapes, 1)[0]))


@cache
def hopping(name: str, number_format: str = "fp32") -> Artefact:
    """The same, a hop at a time."""
    torch.set_num_threads(1)
    if number_format == "int8":
        return quantised(hopping(name), rows(net(name)[1], 8))
    model, shapes = net(name)
    return streamed(model, torch.from_numpy(rows(shapes, 1)[0][0]))


def board(name: str) -> Board:
    return boards.load()[name]


def need(*names: str) -> None:
    """Skip where a tool is absent: how to install it is the reason."""
    if lines := tools.missing(*names):
        pytest.skip("; ".join(lines))


def written(code: str, size: int = 1) -> Source:
    """A source with a model of our own writing, in floats; `code` is the body of `model()`."""
    text = (
        '#include "model.h"\nstatic float arena[2];\n'
        "float *model_input0(void) { return arena; }\nfloat *model_output0(void) { return arena + 1; }\n"
        f"void model(void) {{\n{code}\n}}\n"
    )
    header = "#include <stdint.h>\nfloat *model_input0(void);\nfloat *model_output0(void);\nvoid model(void);\n"
    put = Put("float", (size,), 0)
    return Source(text, header, (put,), (put,), 8, 8, 0)


def native(source: Source, folder: Path) -> Callable[[Arrays], Arrays]:
    """The C, compiled for this computer; a stream is at its start."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not installed")
    (folder / "model.c").write_text(source.code)
    (folder / "model.h").write_text(source.header)
    flags = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unused", "-Wno-unused-parameter"]
    flags += ["-fno-strict-aliasing", "-fPIC", "-shared"]
    subprocess.run([compiler, *flags, "model.c", "-lm", "-o", "model.so"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "model.so"))

    def view(side: str, number: int, put: Put) -> np.ndarray:
        function = getattr(library, f"model_{side}{number}")
        function.restype = ctypes.c_void_p
        kind = np.ctypeslib.as_ctypes_type(DTYPES[put.kind])
        return np.ctypeslib.as_array(ctypes.cast(function(), ctypes.POINTER(kind)), (put.size,))

    def call(row: Arrays) -> Arrays:
        for number, put in enumerate(source.inputs):
            view("input", number, put)[:] = row[number].ravel()
        library.model()
        return tuple(view("output", n, put).reshape(put.shape).copy() for n, put in enumerate(source.outputs))

    if source.states:
        library.model_reset()
    return call
