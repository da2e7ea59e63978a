"""Queues of a stream in integers: what is carried, that nothing is lost by it, and that the C says the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.hardware import parity
from benchmark.hardware.footprint import footprint
from benchmark.hardware.quantize import halves, noise_ratio
from tests.hardware.nets import hopping, native, net, rows


def test_queues_are_carried_as_integers_from_their_zero_on() -> None:
    one = hopping("wave", "int8")
    assert one.stream is not None and len(one.states) == 8
    for scale, start, floats in zip(one.edges.states, one.states, one.stream.states, strict=True):
        assert scale is not None and start.dtype == np.int8 and not floats.any()
        assert (start == scale.zero).all() and start.shape == floats.shape


def test_what_is_no_queue_stays_in_floats() -> None:
    assert hopping("gru", "int8").edges.states == (None,)
    assert hopping("wave").edges.states == (None,) * 8 and hopping("wave").states[0].dtype == np.float32


def test_the_arena_holds_queues_a_byte_an_element() -> None:
    whole, small = hopping("wave").source, hopping("wave", "int8").source
    # 8 channels of 2 + 4 + ... + 256 samples.
    assert sum(put.size for put in small.states) == sum(put.size for put in whole.states) == 4080
    assert {put.kind for put in small.states} == {"int8_t"}
    # And what is planned holds: the largest queue is copied once, with what comes next.
    model, (shape,) = net("wave")
    planned = footprint(model, torch.zeros(shape)).stream_arena_int8
    assert planned <= small.arena_bytes < 1.05 * planned


def test_a_stream_in_integers_says_what_the_net_says() -> None:
    one = hopping("wave", "int8")
    (row,) = rows(net("wave")[1], 1)
    given = one.edges.leave(one.answer(one.in_runtime(one.calls(row))))
    assert 20 < noise_ratio([given], [one.in_torch(row)]) < 60


@pytest.mark.parametrize("name", ["wave", "gru"])
def test_the_c_of_a_stream_in_integers_gives_what_the_graph_gives(name: str, tmp_path: Path) -> None:
    one = hopping(name, "int8")
    run, either = native(one.source, tmp_path), halves(one.edges.proto)
    calls = one.calls(rows(net(name)[1], 1)[0])
    given = one.answer([run(call) for call in calls])
    parity.require(given, one.answer(one.in_runtime(calls)), "the C", either)
