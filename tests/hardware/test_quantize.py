"""Eight-bit integers: the arithmetic by hand, the edges exactly, the ranges from pinned rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmark.errors import BenchError
from benchmark.hardware import exporting, quantize
from benchmark.hardware.quantize import Scale
from tests.hardware.nets import made, need, net, rows
from tests.toy_task import Chirps


def test_a_scale_rounds_halves_to_even_and_clips() -> None:
    scale = Scale(0.5, -3)
    values = np.array([0.0, 0.25, 0.75, 1.0, -0.25, 100.0, -100.0], np.float32)
    assert scale.quantize(values).tolist() == [-3, -3, -1, -1, -3, 127, -128]
    assert scale.dequantize(np.array([-3, -1, 127], np.int8)).tolist() == [0.0, 1.0, 65.0]


@pytest.mark.parametrize(("name", "bare_edges"), [("tall", (True, True)), ("gru", (False, True))])
def test_a_bare_graph_gives_exactly_what_the_whole_one_gives(name: str, bare_edges: tuple[bool, bool]) -> None:
    one = made(name, "int8")
    edges = one.edges
    assert (edges.inputs[0] is not None, edges.outputs[0] is not None) == bare_edges
    whole, bare = exporting.session(one.proto), exporting.session(edges.proto)
    for row in rows(net(name)[1], 20):
        (expected,) = exporting.call(whole, row)
        (given,) = edges.leave(exporting.call(bare, edges.enter(row)))
        assert np.array_equal(given, expected)


def test_convolutions_and_products_become_integer_ones() -> None:
    operators = [node.op_type for node in made("tall", "int8").edges.proto.graph.node]
    assert operators.count("QLinearConv") == 3 and operators.count("QGemm") == 1
    assert "Conv" not in operators and "Gemm" not in operators
    # A quarter of 5,000 weights, biases and scales in four bytes.
    assert exporting.weight_bytes(made("tall", "int8").proto) < 0.3 * exporting.weight_bytes(made("tall").proto)


def test_only_sums_of_integers_that_are_rounded_once_are_the_same_everywhere() -> None:
    found = {name: quantize.halves(made(name, "int8").edges.proto) for name in ("dense", "wave", "gru")}
    assert found == {"dense": False, "wave": True, "gru": True}


def test_the_noise_of_eight_bits_is_where_it_must_be() -> None:
    one = made("tall", "int8")
    some = rows(net("tall")[1], 20)
    runner = exporting.session(one.proto)
    ratio = quantize.noise_ratio([exporting.call(runner, row) for row in some], [one.in_torch(row) for row in some])
    # 50 dB is a full-scale sine in eight bits; four layers of it lose some, and rubbish would be at 0.
    assert 25 < ratio < 50


def test_decibels_by_hand() -> None:
    expected = [(np.array([3.0, 4.0]),), (np.array([0.0, 5.0]),)]
    given = [(np.array([3.0, 4.0]),), (np.array([0.5, 5.0]),)]
    assert quantize.noise_ratio(given, expected) == pytest.approx(10 * np.log10(50 / 0.25))
    assert quantize.noise_ratio(expected, expected) == np.inf


def test_calibration_takes_rows_from_the_first_to_the_last_and_always_the_same() -> None:
    split = Chirps(61, 0)
    found = quantize.calibration_rows(split, 4)
    for (row,), place in zip(found, (0, 20, 40, 60), strict=True):
        assert np.array_equal(row, split.batch(torch.tensor([place])).inputs.numpy())
    assert len(quantize.calibration_rows(split, 1000)) == 61


def test_of_a_longer_row_the_beginning_is_taken() -> None:
    split = Chirps(5, 0)
    (row,) = quantize.calibration_rows(split, 2, (1, *split.inputs.shape[1:-1], 7))[1]
    assert np.array_equal(row, split.inputs[4:5, ..., :7].numpy())


class Chosen(nn.Module):
    """One product of two, or the other: the quantiser has no operator for that, and forgets to give it floats."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.other = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.one(x) * torch.where(x > 0, self.other(x) * x, x + x)


def test_what_the_quantiser_would_lose_stays_in_floats() -> None:
    need("onnxscript", "onnxruntime")
    model, random = Chosen().eval(), torch.Generator().manual_seed(1)
    some = [(torch.randn(1, 8, generator=random).numpy(),) for _ in range(20)]
    proto = quantize.quantize(exporting.export(model, (torch.zeros(1, 8),)), some)
    operators = [node.op_type for node in proto.graph.node]
    assert "Where" in operators and sum(name.startswith("QLinear") or name == "QGemm" for name in operators) >= 3
    runner = exporting.session(proto)
    with torch.no_grad():
        wanted = [(model(torch.from_numpy(x)).numpy(),) for (x,) in some]
    assert quantize.noise_ratio([exporting.call(runner, row) for row in some], wanted) > 25


def test_what_cannot_be_quantised_is_one_line_with_all_that_the_runtime_says() -> None:
    with pytest.raises(BenchError, match=r"cannot be quantised: [^\n]*invalid dimensions[^\n]*Expected: [^\n]*$"):
        quantize.quantize(made("dense").proto, [(np.zeros((1, 3), np.float32),)])


def test_without_rows_there_are_no_ranges() -> None:
    with pytest.raises(BenchError, match="no rows to calibrate"):
        quantize.quantize(made("dense").proto, [])
