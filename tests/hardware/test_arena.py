"""Plans of memory: nothing that is needed is lost, and no byte more than others take."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark import plugins
from benchmark.hardware.arena import ALIGNMENT, Life, lives, pack, plan
from benchmark.hardware.footprint import footprint
from benchmark.hardware.graph import trace
from tests.hardware import zoo

LIVES = st.lists(
    st.tuples(st.integers(1, 400), st.integers(0, 12), st.integers(0, 6)).map(lambda t: Life(t[0], t[1], t[1] + t[2])),
    max_size=14,
)

OTHERS = {
    # Bytes for the same nets by ExecuTorch 1.5.1 (greedy; inputs and outputs in the plan); by Apache TVM 0.27 (shared
    # storage, StaticPlanBlockMemory after fusion, to which input and output are added); and by TensorFlow Lite Micro
    # 0.dev20261023 (the head of its arena). None where it could not run the net.
    "tall": (8_704, 6_208 + 4_096 + 32, 8_448),
    "flat": (32_768, 32_896 + 4_096 + 32, None),
    "decoder": (16_384, 16_384 + 1_024 + 1_024, None),
    "gru": (31_552, 43_104 + 1_600 + 32, None),
    "lstm": (42_112, 44_160 + 1_600 + 32, None),
    "wave": (262_144, 360_640 + 2_048 + 2_048, 282_896),
}
"""Of `wave` TFLM tells its whole arena only. ExecuTorch and TVM unroll recurrent layers, and TFLM refuses them."""


@given(LIVES)
@settings(max_examples=200, deadline=None)
def test_what_is_needed_at_one_time_never_shares_a_byte(found):
    arena = pack(found)
    placed = list(zip(arena.lives, arena.offsets, strict=True))
    for (a, at), (b, bt) in itertools.combinations(placed, 2):
        if a.first <= b.last and b.first <= a.last:
            assert at + a.size <= bt or bt + b.size <= at
    assert all(offset % ALIGNMENT == 0 and offset + life.size <= arena.size for life, offset in placed)
    assert [life.size >= asked.size for life, asked in zip(arena.lives, found, strict=True)] == [True] * len(found)


@given(st.lists(st.integers(1, 9999), min_size=2, max_size=12))
@settings(max_examples=100, deadline=None)
def test_a_chain_of_layers_needs_its_two_largest_neighbours(sizes):
    arena = pack([Life(size, place, place + 1) for place, size in enumerate(sizes)])
    rounded = [-(-size // ALIGNMENT) * ALIGNMENT for size in sizes]
    assert arena.size == arena.bound == max(a + b for a, b in itertools.pairwise(rounded))


@given(LIVES)
@settings(max_examples=200, deadline=None)
def test_between_the_bound_and_the_sum(found):
    arena = pack(found)
    pairs = [a.size + b.size for a, b in itertools.combinations(arena.lives, 2) if a.meets(b)]
    assert max([0, *pairs, *(life.size for life in arena.lives)]) <= arena.bound <= arena.size
    assert arena.size <= sum(life.size for life in arena.lives)


@given(st.lists(LIVES.filter(lambda x: len(x) > 4), min_size=20, max_size=20))
@settings(max_examples=5, deadline=None)
def test_close_to_the_bound_on_average(many):
    ratios = [(arena := pack(found)).size / arena.bound for found in many]
    assert sum(ratios) / len(ratios) < 1.1


def test_by_hand():
    # 24 and 16 bytes together, then 16 and 32: the last takes the place of the first and what lies free above.
    arena = pack([Life(24, 0, 1), Life(16, 0, 2), Life(32, 2, 3)])
    assert arena.bound == 48
    assert arena.size == 48


def test_as_small_as_the_best_order_there_is():
    found = [Life(40, 0, 1), Life(24, 1, 2), Life(48, 2, 4), Life(16, 0, 4), Life(32, 3, 5), Life(8, 4, 6)]
    best = min(_in_order(found, order) for order in itertools.permutations(range(len(found))))
    assert pack(found).size <= 1.05 * best


def test_nothing_takes_nothing():
    assert pack([]).size == pack([]).bound == 0


@pytest.mark.parametrize("name", OTHERS)
def test_no_larger_than_independent_planners(name):
    arena = plan(trace(*zoo.of(name)), "fp32")
    for other in OTHERS[name]:
        assert other is None or arena.size <= 1.05 * other
    # No planner can do better on this graph.
    assert arena.size == arena.bound


@pytest.mark.parametrize("name", plugins.tasks())
def test_plans_of_every_task_are_as_small_as_can_be(name):
    task = plugins.task(name)
    task = task.on(task.datasets[0].name)
    found = footprint(task.model("quick"), task.example("quick"))
    assert found.arena_fp32 <= 1.05 * found.bound_fp32
    assert found.arena_int8 <= 1.05 * found.bound_int8


@pytest.mark.parametrize("name", zoo.ZOO)
def test_every_buffer_of_a_graph_is_in_the_plan(name):
    graph = trace(*zoo.of(name))
    found = lives(graph, "fp32")
    largest = max(graph.buffers[b].bytes("fp32") for step in graph.steps for b in (*step.reads, *step.writes))
    assert max(life.size for life in found) == largest
    assert min(life.first for life in found) == -1 and max(life.last for life in found) == len(graph.steps)


def _in_order(found: list[Life], order: tuple[int, ...]) -> int:
    """First fit, one buffer after the other: an independent planner."""
    ends: dict[int, tuple[int, int]] = {}
    for i in order:
        taken = sorted(ends[j] for j in ends if found[i].meets(found[j]))
        at = 0
        for low, high in taken:
            if at + found[i].size <= low:
                break
            at = max(at, high)
        ends[i] = (at, at + found[i].size)
    return max(high for _, high in ends.values())
