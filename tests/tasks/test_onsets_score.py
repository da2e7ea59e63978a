"""From answers to onsets to scores: against mir_eval, by hand, and the rules for clips where nothing begins."""

from __future__ import annotations

from fractions import Fraction

import mir_eval
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import DataError
from benchmark.metrics import reduction
from benchmark.task import Batch, Split
from tasks.onsets import task
from tasks.onsets.clips import Clip
from tasks.onsets.features import HOP_SECONDS, MELS
from tasks.onsets.picking import APART, THRESHOLD, pick
from tasks.onsets.score import matched, precision_recall, score_items
from tasks.onsets.segments import Segments

FIFTY, TWENTY_FIVE = (metric.id for metric in task.metrics)
NONE = np.zeros(0)


def times(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def clip(*frames: int, length: int = 100, source: int = 0) -> Clip:
    """Silence with onsets in these frames."""
    return Clip(np.zeros((length, MELS), np.float16), np.array(frames, np.float64) * HOP_SECONDS, source)


def sure(split: Segments, later: int = 0) -> torch.Tensor:
    """Logits of a model that knows the targets, and answers so many frames late."""
    parts = [part.flatten().roll(later) for part in split.targets.split(split.rows)]
    return (40 * torch.cat(parts) - 20).reshape(split.targets.shape)


def f1(truth: list[np.ndarray], guess: list[np.ndarray], tolerance: float = 0.05) -> float:
    return reduction("pooled_f1")(score_items(truth, guess, tolerance))


TRUTH = (times(0.5, 1.0, 1.5, 2.25), times(0.25, 3.0))
GOLDEN = {
    # name: (guess, hits of 50 ms, hits of 25 ms, guesses)
    "perfect": (TRUTH, 6, 6, 6),
    "empty": ((NONE, NONE), 0, 0, 0),
    "one clip empty": ((TRUTH[0], NONE), 4, 4, 4),
    "on 50 ms": ((times(0.55, 1.05, 1.55, 2.3), times(0.3, 3.05)), 6, 0, 6),
    "on 25 ms": ((times(0.525, 1.025, 1.525, 2.275), times(0.275, 3.025)), 6, 6, 6),
    "early on 50 ms": ((times(0.45, 0.95, 1.45, 2.2), times(0.2, 2.95)), 6, 0, 6),
    "beyond 50 ms": ((times(0.5501, 1.0501, 1.5501, 2.3001), times(0.3001, 3.0501)), 0, 0, 6),
    "doubled": ((np.repeat(TRUTH[0], 2), np.repeat(TRUTH[1], 2)), 6, 6, 12),
    "doubled apart": ((times(0.49, 0.51, 0.99, 1.01), times(0.24, 0.26)), 3, 3, 6),
    "one too many": ((times(0.5, 0.75, 1.0, 1.5, 2.25), TRUTH[1]), 6, 6, 7),
    "one missed": ((times(0.5, 1.0, 2.25), TRUTH[1]), 5, 5, 5),
    "clips swapped": ((TRUTH[1], TRUTH[0]), 0, 0, 6),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_scores(name: str) -> None:
    guess, *hits, guesses = GOLDEN[name]
    for tolerance, hit in zip((0.05, 0.025), hits, strict=True):
        items = score_items(TRUTH, guess, tolerance)
        assert reduction("pooled_f1")(items) == pytest.approx(float(Fraction(2 * hit, 6 + guesses)), abs=1e-12)
        assert precision_recall(items) == pytest.approx((hit / guesses if guesses else 0.0, hit / 6), abs=1e-12)


onset_times = st.lists(st.floats(0, 5, allow_nan=False), max_size=25).map(lambda v: np.sort(np.array(v, float)))


@pytest.mark.filterwarnings("ignore:.* onsets are empty")
@settings(max_examples=150, deadline=None)
@given(onset_times, onset_times, st.sampled_from([0.025, 0.05]))
def test_one_clip_scores_as_mir_eval_has_it(truth: np.ndarray, guess: np.ndarray, tolerance: float) -> None:
    expected, precision, recall = mir_eval.onset.f_measure(truth, guess, window=tolerance)
    if len(truth) + len(guess):
        assert f1([truth], [guess], tolerance) == pytest.approx(expected, abs=1e-12)
    else:
        assert np.isnan(f1([truth], [guess], tolerance)) and expected == 0
    assert precision_recall(score_items([truth], [guess], tolerance)) == pytest.approx((precision, recall), abs=1e-12)


def test_matching_is_one_to_one_and_as_large_as_can_be() -> None:
    assert matched(times(1.0), times(0.99, 1.01), 0.05) == 1, "two guesses of one onset"
    assert matched(times(1.0, 1.06), times(1.03), 0.05) == 1, "one guess between two onsets"
    assert matched(times(1.0, 1.04), times(0.96, 1.01), 0.05) == 2, "each guess's nearest onset would give one"


def test_counts_are_pooled_over_clips() -> None:
    """A long clip weighs by its onsets: the mean of F1 over these clips would be a half."""
    items = score_items([np.arange(1.0, 10.0), times(1.5)], [np.arange(1.0, 10.0), NONE], 0.05)
    assert items["hits"].tolist() == [9, 0] and items["truths"].tolist() == [9, 1]
    assert items["guesses"].tolist() == [9, 0] and items["label"].tolist() == [0, 0]
    assert reduction("pooled_f1")(items) == pytest.approx(18 / 19, abs=1e-12)


def test_clips_where_nothing_begins() -> None:
    some = times(1.0, 2.0)
    assert f1([some, NONE], [some, NONE]) == 1.0, "silent and taken for silent: no weight"
    assert f1([some, NONE], [some, some]) == pytest.approx(2 / 3, abs=1e-12), "silent and guessed: wrong"
    assert f1([some, some], [some, NONE]) == pytest.approx(2 / 3, abs=1e-12), "there and not guessed: missed"
    assert np.isnan(f1([NONE], [NONE])), "nothing to score"
    assert precision_recall(score_items([NONE], [NONE], 0.05)) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (times(0.5, np.nan), "not a number"),
        (times(0.5, np.inf), "not a number"),
        (times(1.0, 0.5), "not in order"),
        (times(-0.1, 0.5), "negative"),
    ],
)
def test_times_that_make_no_sense_are_refused(wrong: np.ndarray, why: str) -> None:
    with pytest.raises(DataError, match=f"guessed onsets .*{why}"):
        score_items([times(0.5)], [wrong], 0.05)
    with pytest.raises(DataError, match=f"true onsets .*{why}"):
        score_items([wrong], [NONE], 0.05)


def test_a_perfect_model_scores_exactly_one() -> None:
    clips = Segments([clip(0, 4, 30, 99), clip(50, length=130), clip(7, 11, 15, length=49)], 0.0, 1.0)
    assert set(task.evaluate(sure(clips), clips).scores.values()) == {1.0}


def test_a_late_model_scores_by_its_lateness() -> None:
    """Frames are 10 ms apart."""
    clips = Segments([clip(10, 30, 60), clip(20, 80)], 0.0, 1.0)
    scores = {late: task.evaluate(sure(clips, late), clips).scores for late in (2, 3, 4, 6)}
    assert [scores[late][FIFTY] for late in scores] == [1, 1, 1, 0]
    assert [scores[late][TWENTY_FIVE] for late in scores] == [1, 0, 0, 0]


def test_models_that_say_nothing_or_everything() -> None:
    clips = Segments([clip(10, 40)], 0.0, 1.0)
    silent = task.evaluate(torch.full((4, 25), -20.0), clips)
    assert set(silent.scores.values()) == {0.0}
    loud = task.evaluate(torch.full((4, 25), 20.0), clips)
    assert loud.items[FIFTY]["guesses"].tolist() == [25], "every fourth frame, as close as onsets may be"
    assert loud.scores["onsets.recall_50ms.micro.v1"] == 1.0
    assert loud.scores["onsets.precision_50ms.micro.v1"] == 2 / 25


def test_scores_are_those_of_the_items() -> None:
    clips = Segments([clip(10, 40, source=5), clip(20, source=9)], 0.0, 1.0)
    found = task.evaluate(sure(clips), clips)
    assert set(found.items) == {FIFTY, TWENTY_FIVE} and clips.sources.tolist() == [5, 9]
    names = {f"onsets.{kind}_{ms}ms.micro.v1" for kind in ("f1", "precision", "recall") for ms in (25, 50)}
    assert set(found.scores) == names
    assert all(len(values) == 2 for metric in found.items.values() for values in metric.values())


def test_answers_of_one_clip_do_not_reach_the_next_and_the_padding_is_not_heard() -> None:
    clips = Segments([clip(length=80), clip(0)], 0.0, 1.0)
    outputs = torch.full((8, 25), -20.0)
    outputs[3, 4], outputs[3, 10], outputs[4, 0] = 20.0, 20.0, 20.0
    assert task.evaluate(outputs, clips).items[FIFTY]["guesses"].tolist() == [1, 1]


def test_only_its_own_splits_are_scored() -> None:
    class Foreign(Split):
        sources = np.zeros(1, np.int64)

        def __len__(self) -> int:
            return 1

        def batch(self, rows: torch.Tensor) -> Batch:
            raise AssertionError

    with pytest.raises(TypeError, match="own splits"):
        task.evaluate(torch.zeros(1, 25), Foreign())


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
        (answers(f7=THRESHOLD - 0.01), []),
        (answers(f7=THRESHOLD), [7]),
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
def test_an_onset_is_where_enough_of_one_is_expected(given: np.ndarray, frames: list[float]) -> None:
    assert pick(given) / HOP_SECONDS == pytest.approx(frames)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.01, 1.5))
def test_onsets_are_apart_in_order_and_inside(seed: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    onsets = pick(np.clip(rng.exponential(density, 120) * rng.integers(0, 2, 120), 0, 1)) / HOP_SECONDS
    assert (onsets >= 0).all() and (onsets <= 119).all()
    assert (np.diff(onsets) > APART - 1).all(), "centres of mass move by less than a frame each"
