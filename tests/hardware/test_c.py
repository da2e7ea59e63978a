"""The C of a net: on this computer it gives what the graph gives, in an arena that is as small as it can be."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from benchmark.hardware import c, parity
from benchmark.hardware.c_memory import laid_out
from benchmark.hardware.quantize import halves
from tests.hardware.nets import made, native, net, rows

NETS = ["dense", "tall", "decoder", "gru", "step", "both-lstm", "wave"]


@pytest.mark.parametrize("name", NETS)
def test_floats_agree_with_torch(name: str, tmp_path: Path) -> None:
    one = made(name)
    run = native(one.source, tmp_path)
    for row in rows(net(name)[1], 3):
        assert parity.require(run(row), one.in_torch(row), "the C") < 3e-6


@pytest.mark.parametrize("name", ["dense", "tall", "flat", "gru", "step", "wave"])
def test_integers_are_those_of_onnxruntime(name: str, tmp_path: Path) -> None:
    one = made(name, "int8")
    run, either = native(one.source, tmp_path), halves(one.edges.proto)
    for row in rows(net(name)[1], 10):
        given = one.edges.enter(row)
        parity.require(run(given), one.in_runtime([given])[0], "the C", either)


def test_the_arena_of_two_layers_by_hand() -> None:
    source = made("dense").source
    # 4 floats in, 8 hidden, with their rectifier in the same place, 2 out where the input was: 16 + 32 bytes.
    assert source.arena_bytes == 48
    # 4 + 8 + 8 + 2 floats, had each its own.
    assert source.array_bytes == 88
    assert source.weight_bytes == 4 * (4 * 8 + 8 + 8 * 2 + 2)
    assert (source.inputs[0].shape, source.outputs[0].shape) == ((1, 4), (1, 2))


def test_the_arena_is_no_larger_than_what_is_needed_at_one_time() -> None:
    # Input of 4,096 bytes and the first map of 24 x 32 floats beside it.
    assert made("tall").source.arena_bytes == 4096 + 4 * 24 * 32
    # Input of 50 x 8 floats, as it is for the layer, and 50 x 24 answers, which no transposition copies.
    assert made("gru").source.arena_bytes == 4 * 50 * (8 + 24)


GENERATED = """\
/*
 * Node 0:
 * OpType: Relu
 * Attrs: n/a
 */
EMX
/*
 * Node 1:
 * OpType: Transpose
 * Attrs:
 *   perm: [{perm}]
 */
EMX
/*
 * Node 2:
 * OpType: Add
 * Attrs: n/a
 */
void entry(const float x[restrict 1][2][3], float y[restrict 1][3][2]) {{
    float tmp0_a[1][2][3];
    float tmp1_b[{shape}];
    node0_relu(x, tmp0_a);
    node1_transpose(tmp0_a, tmp1_b);
    node2_add(tmp1_b, {other}, y);
}}
"""


def layout(perm: str, shape: str, other: str) -> tuple[int, str]:
    found = laid_out(GENERATED.format(perm=perm, shape=shape, other=other), "entry")
    return found.arena_bytes, found.code.partition("void entry(void)")[2]


def test_what_only_renames_is_left_out_and_what_moves_is_not() -> None:
    # All in the place of the input.
    size, body = layout("1, 0, 2", "2][1][3", "weight1_w")
    assert size == 24 and "node1" not in body
    size, body = layout("0, 2, 1", "1][3][2", "weight1_w")
    assert size == 48 and "node1" in body


def test_nothing_is_written_over_what_is_still_read() -> None:
    # `x` is read again by the sum, so the rectifier must not write into it, nor the renaming free it.
    size, body = layout("1, 0, 2", "2][1][3", "x")
    assert size == 48
    first = re.search(r"node0_relu\((.*), (.*)\);", body)
    assert first is not None and first[1] != first[2]


SHIFT = """\
/*
 * Node 0:
 * OpType: Slice
 * Attrs: n/a
 */
EMX
/*
 * Node 1:
 * OpType: Identity
 * Attrs: n/a
 */
EMX
/*
 * Node 2:
 * OpType: Add
 * Attrs: n/a
 */
void entry({parameters}) {{
{calls}
}}
"""
X, A, B = (f"const float {name}[restrict 1][4]" for name in "xab")
Y, A2, B2 = (f"float {name}[restrict 1][4]" for name in ("y", "a2", "b2"))


@pytest.mark.parametrize(
    ("calls", "copies"),
    [
        # `b` has been read when the old `a` takes its place, and `a` when a new one is made.
        (["node2_add(x, b, y);", "node1_identity(a, b2);", "node0_slice(x, a2);"], 0),
        # A new `a` is made before the old one has been read: it waits in memory of its own.
        (["node2_add(x, b, y);", "node0_slice(x, a2);", "node1_identity(a, b2);"], 1),
    ],
)
def test_a_state_that_becomes_another_is_never_overwritten_before(calls: list[str], copies: int) -> None:
    body = "\n".join(f"    {call}" for call in calls)
    found = laid_out(SHIFT.format(parameters=", ".join((X, A, B, Y, A2, B2)), calls=body), "entry", 2)
    a, b = (str(put.offset) for put in found.states)
    entry = found.code.partition("void entry(void)")[2]
    written = {
        node: re.findall(r"model_arena \+ (\d+)", line)[-1]
        for node in ("node0", "node1")
        for line in entry.splitlines()
        if node in line
    }
    assert written["node1"] == b and (written["node0"] == a) == (copies == 0)
    assert entry.count("memcpy") == copies
    # Input, answer and two states of 16 bytes; and the one that waits, where `x` or `b` cannot be.
    assert found.arena_bytes == 16 * (4 + copies)


def test_states_begin_where_they_are_said_to_and_come_back_there(tmp_path: Path) -> None:
    one = made("step")
    start = np.linspace(-1, 1, 12, dtype=np.float32).reshape(1, 1, 12)
    source = c.generate(one.proto, states=[start])
    assert len(source.inputs) == len(source.outputs) == 1 and source.states[0].shape == (1, 1, 12)
    run = native(source, tmp_path)
    inputs = [row[0] for row in rows(net("step")[1], 5)]
    library = ctypes.CDLL(str(tmp_path / "model.so"))
    for _ in range(2):
        library.model_reset()
        state = start
        for x in inputs:
            expected, state = one.in_torch((x, state))
            assert np.abs(run((x,))[0] - expected).max() < 1e-6


def test_an_operator_without_c_is_named() -> None:
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy"]
    node = helper.make_node("Wobble", ["x"], ["y"], domain="made.up")
    graph = helper.make_graph([node], "g", value[:1], value[1:])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("made.up", 1)])
    with pytest.raises(c.NoCodeError, match=r"^there is no C for this net: .*Wobble"):
        c.generate(proto)


def test_a_gru_that_runs_backwards_is_refused_and_not_wrong() -> None:
    with pytest.raises(c.NoCodeError, match=r"there is no C for this net: .*GRU"):
        _ = made("both-gru").source


def test_the_generator_is_still_wrong_where_it_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is right by itself, the repair can go."""
    one = made("both-lstm")
    monkeypatch.setattr(c, "repaired", lambda text: text)
    unmended = c.generate(one.proto)
    (row,) = rows(net("both-lstm")[1], 1)
    assert parity.error(native(unmended, tmp_path)(row), one.in_torch(row)) > 1e-2


def test_the_header_says_how_numbers_become_integers() -> None:
    one = made("tall", "int8")
    scale = one.edges.inputs[0]
    assert scale is not None
    header = one.source.header
    assert f"#define MODEL_INPUT0_ZERO {scale.zero}\n" in header
    stated = re.search(r"#define MODEL_INPUT0_SCALE (\S+)f ", header)
    assert stated is not None and np.float32(stated[1]) == np.float32(scale.scale)
    assert "MODEL_INPUT0_SCALE" not in made("tall").source.header


def test_the_graph_given_is_left_as_it_was() -> None:
    proto = made("gru").proto
    before = proto.SerializeToString()
    c.generate(proto)
    assert proto.SerializeToString() == before
    assert isinstance(proto, onnx.ModelProto)
