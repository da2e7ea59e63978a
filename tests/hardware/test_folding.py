"""What is computed once and for all, and what is computed in floats, of an exported graph."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from benchmark.errors import BenchError
from benchmark.hardware import exporting, parity
from benchmark.hardware.c import generate
from benchmark.hardware.exporting import export
from tests.hardware.nets import need


class Windowed(nn.Module):
    """A convolution whose weights are under a window."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(torch.randn(32, 1, 256))
        self.register_buffer("window", torch.hann_window(256))

    def forward(self, x: Tensor) -> Tensor:
        return torch.conv1d(x, self.weight * self.window)


def test_weights_that_only_meet_each_other_are_one() -> None:
    need("onnxscript", "onnxruntime", "emx_onnx_cgen")
    x = torch.randn(1, 1, 300, generator=torch.Generator().manual_seed(0))
    proto = export(Windowed(), (x,))
    onnx.checker.check_model(proto)
    assert [node.op_type for node in proto.graph.node] == ["Conv"]
    assert exporting.weight_bytes(proto) == 4 * 32 * 256
    # Computed in every call they would take 32 KB of memory more than the sound and the answer.
    assert generate(proto).arena_bytes == 4 * (300 + 32 * 45)


class Wide(nn.Module):
    """A table that is much larger than what it is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tone, self.levels = (nn.Parameter(torch.linspace(0, 1, count)) for count in (9000, 20))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.levels[:, None] * self.tone


def test_a_table_that_would_be_larger_is_left_to_the_board() -> None:
    need("onnxscript", "onnxruntime")
    proto = export(Wide(), (torch.zeros(20, 9000),))
    assert [node.op_type for node in proto.graph.node][-2:] == ["Mul", "Add"]
    assert exporting.weight_bytes(proto) < 40_000


class Turns(nn.Module):
    """A sine of phases in doubles."""

    def __init__(self, reduced: bool) -> None:
        super().__init__()
        self.reduced = reduced

    def forward(self, x: Tensor) -> Tensor:
        turns = x.double() * 1e6
        return torch.sin(2 * torch.pi * (turns % 1 if self.reduced else turns)).float()


def test_a_sine_of_reduced_phases_is_taken_in_floats() -> None:
    need("onnxscript", "onnxruntime")
    x, other = torch.rand(2, 1, 64, generator=torch.Generator().manual_seed(0))
    proto = export(Turns(reduced=True), (x,))
    onnx.checker.check_model(proto)
    inner = onnx.shape_inference.infer_shapes(proto).graph.value_info
    kinds = {value.name: value.type.tensor_type.elem_type for value in inner}
    (sine,) = (node for node in proto.graph.node if node.op_type == "Sin")
    assert kinds[sine.input[0]] == onnx.TensorProto.FLOAT
    (given,) = exporting.call(exporting.session(proto), (other.numpy(),))
    assert parity.error([given], [Turns(reduced=True)(other).numpy()]) < 1e-5
    assert given.dtype == np.float32


def test_a_sine_that_needs_doubles_is_refused() -> None:
    need("onnxscript", "onnxruntime")
    x = torch.rand(1, 64, generator=torch.Generator().manual_seed(0))
    with pytest.raises(BenchError, match="gives something else than the reference"):
        export(Turns(reduced=False), (x,))
