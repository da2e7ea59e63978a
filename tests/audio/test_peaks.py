"""From answers to events: where enough of one is expected, apart, in order; and clip by clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.audio.events import score_items
from benchmark.audio.peaks import Peaks, heard
from benchmark.audio.windows import Layout, Windows
from benchmark.data.clips import Clip
from benchmark.data.logmel import LogMel
from benchmark.errors import BenchError
from benchmark.metrics import reduction

SHARP = Peaks(threshold=0.2, around=4, apart=3, mass=1.0)
BROAD = Peaks(threshold=0.5, around=2, apart=3, mass=2.0)


def answers(**at: float) -> np.ndarray:
    """40 frames; `f7=0.5`: the answer of frame 7."""
    values = np.zeros(40)
    for name, value in at.items():
        values[int(name[1:])] = value
    return values


@pytest.mark.parametrize(
    ("given", "frames"),
    [
        (answers(f7=1.0), [7]),
        (answers(f7=0.19), []),
        (answers(f7=0.2), [7]),
        (answers(f7=0.2, f8=0.2), [7.5]),
        (answers(f6=0.2, f7=0.4, f8=0.2), [7]),
        (answers(f4=0.02, f5=0.02, f6=0.04, f7=0.06, f8=0.04, f9=0.02, f10=0.02), [7]),
        (answers(f0=1.0, f39=1.0), [0, 39]),
        (answers(f10=1.0, f14=1.0), [10, 14]),
        (answers(f10=1.0, f13=0.9), [10]),
        (answers(f3=0.19, f12=0.19, f30=0.19), []),
        (np.zeros(40), []),
        (np.zeros(0), []),
    ],
)
def test_an_event_is_where_enough_of_one_is_expected(given: np.ndarray, frames: list[float]) -> None:
    assert SHARP.pick(given) == pytest.approx(frames)


@pytest.mark.parametrize(
    ("given", "frames"),
    [
        (answers(f6=0.5, f7=1.0, f8=0.5), [7]),
        (answers(f7=0.99), []),
        (answers(f7=1.0), [7]),
        (answers(f7=0.6, f8=0.6), [7.5]),
        (answers(f6=0.2, f7=0.7, f8=0.2), [7]),
        (answers(f5=0.1, f6=0.2, f7=0.5, f8=0.2, f9=0.1), [7]),
        (answers(f3=0.8, f12=0.8, f30=0.8), []),
    ],
)
def test_targets_that_reach_further_weigh_less_each(given: np.ndarray, frames: list[float]) -> None:
    assert BROAD.pick(given) == pytest.approx(frames)


def test_a_higher_threshold_hears_less() -> None:
    given = answers(f5=0.5, f15=0.9, f25=1.0, f26=0.9)
    assert [len(replace(BROAD, threshold=t).pick(given)) for t in (0.2, 0.4, 0.6, 0.99)] == [3, 2, 1, 0]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.01, 1.5), st.sampled_from([SHARP, BROAD]))
def test_events_are_apart_in_order_and_inside(seed: int, density: float, peaks: Peaks) -> None:
    rng = np.random.default_rng(seed)
    events = peaks.pick(np.clip(rng.exponential(density, 120) * rng.integers(0, 2, 120), 0, 1))
    assert (events >= 0).all() and (events <= 119).all()
    assert (np.diff(events) > peaks.apart - 1).all(), "centres of mass move by less than a frame each"


def test_half_an_event_suits_answers_that_are_calibrated() -> None:
    """Of answers with every chance of being right it takes more than it should leave: F1 is near its best."""
    rng = np.random.default_rng(0)
    chance = rng.uniform(0, 1, 4000)
    frames = np.zeros(len(chance) * 10)
    for step, share in ((-1, 0.5), (0, 1.0), (1, 0.5)):
        frames[5 + step :: 10] = share * chance
    truth = (np.flatnonzero(rng.random(len(chance)) < chance) * 10 + 5) * 0.01

    def f1(threshold: float) -> float:
        guess = 0.01 * replace(BROAD, threshold=threshold).pick(frames)
        return reduction("pooled_f1")(score_items([[truth]], [[guess]], 0.05))

    scores = [f1(threshold) for threshold in (0.05, 0.2, 0.35, 0.5, 0.7, 0.9)]
    assert scores[3] > max(scores) - 0.02 and scores[3] > max(scores[0], scores[-1]) + 0.02


@pytest.fixture
def split() -> Windows:
    """Two clips of 100 and of 80 frames, of two kinds."""
    layout = Layout(LogMel(8000, 80, 30.0, 4000.0), ("low", "high"), answers=25, context=2, beside=0.0)
    clips = [Clip(np.zeros((frames, 64), np.float16), (np.zeros(0),) * 2, 0) for frames in (100, 80)]
    return Windows(clips, layout, 0.0, 1.0)


def test_answers_of_one_clip_do_not_reach_the_next_and_the_padding_is_not_heard(split: Windows) -> None:
    outputs = torch.full((8, 25, 2), -20.0)
    outputs[3, 24, 0] = outputs[4, 0, 0] = 20.0
    outputs[7, 5, 1] = 20.0
    found = heard(outputs.flatten(1), split, SHARP)
    assert [[times.round(6).tolist() for times in clip] for clip in found] == [[[0.99], []], [[0.0], []]]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_answers_that_are_not_finite_are_refused(split: Windows, bad: float) -> None:
    outputs = torch.zeros(8, 50)
    outputs[2, 1] = bad
    with pytest.raises(BenchError, match="not all finite: it diverged"):
        heard(outputs, split, SHARP)
