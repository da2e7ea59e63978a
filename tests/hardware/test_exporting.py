"""A torch module as an ONNX graph: the same numbers, nothing but what is needed, one line where it cannot be."""

from __future__ import annotations

import random

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from benchmark.errors import BenchError
from benchmark.hardware import exporting, parity
from tests.hardware.nets import dense, made, net, rows


@pytest.mark.parametrize("name", ["tall", "decoder", "lstm", "step"])
def test_the_graph_gives_what_torch_gives_on_other_inputs_too(name: str) -> None:
    one = made(name)
    for row in rows(net(name)[1], 3):
        given = exporting.call(exporting.session(one.proto), row)
        assert parity.error(given, one.in_torch(row)) < 2e-6


def test_nothing_is_left_that_only_a_reader_of_the_code_needs() -> None:
    proto = made("tall").proto
    onnx.checker.check_model(proto)
    assert not any(node.metadata_props or node.doc_string for node in proto.graph.node)
    assert not proto.graph.value_info and not proto.functions
    # Three convolutions and a linear layer after folding of norms: 5,000 weights, and the axis of the mean.
    assert exporting.weight_bytes(proto) == 4 * 5_000 + 8
    assert len(proto.SerializeToString()) < 4 * 5_000 + 2_000


def test_weights_that_are_no_numbers_are_named() -> None:
    model = dense()
    with torch.no_grad():
        model[2].bias[1] = float("nan")
    with pytest.raises(BenchError, match=r"^2\.bias of Sequential holds NaN or infinity"):
        exporting.export(model, (torch.zeros(1, 4),))


class Drifts(nn.Module):
    """Gives something else at every call, which no graph can."""

    def forward(self, x: Tensor) -> Tensor:
        return (1 + random.random()) * x


def test_a_graph_that_gives_something_else_is_refused() -> None:
    with pytest.raises(BenchError, match="onnxruntime gives something else than the reference: off by"):
        exporting.export(Drifts(), (torch.ones(1, 4),))


class Branches(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


def test_what_cannot_be_exported_is_said_in_one_line() -> None:
    with pytest.raises(BenchError, match=r"^Branches cannot be exported to ONNX: [^\n]+$"):
        exporting.export(Branches(), (torch.ones(1, 4),))


def test_a_module_in_training_is_left_in_training() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.9)).train()
    exporting.export(model, (torch.ones(1, 4),))
    assert model.training


def test_errors_are_relative_to_the_largest_value_and_integers_must_be_equal() -> None:
    expected = (np.array([1.0, -10.0], np.float32), np.array([3, 4], np.int8))
    assert parity.error((np.array([1.0, -10.5]),), expected[:1]) == pytest.approx(0.05)
    assert parity.error((np.array([np.nan, -10.0]),), expected[:1]) == np.inf
    assert parity.require((expected[0] + np.float32(5e-4), expected[1]), expected, "x") == pytest.approx(5e-5, rel=1e-3)
    with pytest.raises(parity.ParityError, match=r"x gives something else than the reference: off by 0\.05 of"):
        parity.require((expected[0] - np.float32(0.5), expected[1]), expected, "x")
    with pytest.raises(parity.ParityError, match="x gives other integers than the reference: 1 of 2 values"):
        parity.require((expected[0], expected[1] + np.array([0, 1], np.int8)), expected, "x")
    with pytest.raises(ValueError, match="1 values where 2 were expected"):
        parity.error((np.zeros(1),), expected[:1])


def test_after_a_half_integers_may_be_a_little_apart_in_a_few_places() -> None:
    expected = np.zeros(200, np.int8)

    def apart(count: int, by: int) -> float:
        return parity.require([np.where(np.arange(200) < count, by, 0).astype(np.int8)], [expected], "x", halves=True)

    assert apart(0, 1) == 0 < apart(4, -2)
    with pytest.raises(parity.ParityError, match="x gives other integers than the reference: 5 of 200 values"):
        apart(5, 1)
    with pytest.raises(parity.ParityError, match="1 of 200 values, by up to 3"):
        apart(1, -3)


class Difference(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x - 2 * y


def test_a_tensor_that_is_given_twice_is_two_inputs() -> None:
    same = torch.zeros(1, 3)
    run = exporting.session(exporting.export(Difference(), (same, same)))
    (given,) = exporting.call(run, (np.ones((1, 3), np.float32), np.full((1, 3), 5, np.float32)))
    assert given.tolist() == [[-9, -9, -9]]
