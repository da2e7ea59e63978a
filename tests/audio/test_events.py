"""F1 of events: against mir_eval, by hand, and the rules for kinds that are not there."""

from __future__ import annotations

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.audio.events import Events, matched, precision_recall, score_items
from benchmark.errors import DataError
from benchmark.metrics import reduction

NONE = np.zeros(0)


def times(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def f1(truth: Events, guess: Events, tolerance: float = 0.05) -> float:
    """Of one clip."""
    return reduction("pooled_f1")(score_items([truth], [guess], tolerance))


event_times = st.lists(st.floats(0, 5, allow_nan=False), max_size=25).map(lambda v: np.sort(np.array(v, float)))


@pytest.mark.filterwarnings("ignore:.* onsets are empty")
@settings(max_examples=150, deadline=None)
@given(event_times, event_times, st.sampled_from([0.02, 0.025, 0.05]))
def test_one_kind_in_one_clip_scores_as_mir_eval_has_it(truth: np.ndarray, guess: np.ndarray, tolerance: float) -> None:
    expected, precision, recall = mir_eval.onset.f_measure(truth, guess, window=tolerance)
    if len(truth) + len(guess):
        assert f1([truth], [guess], tolerance) == pytest.approx(expected, abs=1e-12)
    else:
        assert np.isnan(f1([truth], [guess], tolerance)) and expected == 0
    items = score_items([[truth]], [[guess]], tolerance)
    assert precision_recall(items) == pytest.approx((precision, recall), abs=1e-12)


ONE, TWO, LATE = times(1.0), times(1.0, 2.0), times(0.5, 1.0, 1.5, 2.0)
GOLDEN = {
    # Truth and guess of three kinds; F1 at 50 and at 20 ms.
    "perfect": ([LATE, TWO, ONE], [LATE, TWO, ONE], 1.0, 1.0),
    "nothing guessed": ([LATE, TWO, ONE], [NONE, NONE, NONE], 0.0, 0.0),
    "nothing there": ([NONE, NONE, NONE], [LATE, TWO, ONE], 0.0, 0.0),
    "nothing there, nothing guessed": ([NONE, NONE, NONE], [NONE, NONE, NONE], np.nan, np.nan),
    "exactly on 50 ms": ([ONE], [ONE + 0.05], 1.0, 0.0),
    "early by exactly 50 ms": ([LATE], [LATE - 0.05], 1.0, 0.0),
    "just over 50 ms": ([ONE], [ONE + 0.050001], 0.0, 0.0),
    "exactly on 20 ms": ([ONE], [ONE - 0.02], 1.0, 1.0),
    "just over 20 ms": ([ONE], [ONE - 0.020001], 1.0, 0.0),
    "doubled": ([TWO], [np.repeat(TWO, 2)], 2 / 3, 2 / 3),
    "doubled apart": ([TWO], [times(0.99, 1.01, 1.99, 2.01)], 2 / 3, 2 / 3),
    "one too many": ([LATE], [times(0.5, 0.75, 1.0, 1.5, 2.0)], 8 / 9, 8 / 9),
    "one missed": ([LATE], [times(0.5, 1.0, 2.0)], 6 / 7, 6 / 7),
    "silent kind, left silent": ([TWO, TWO, NONE], [TWO, ONE, NONE], (1 + 2 / 3) / 2, (1 + 2 / 3) / 2),
    "silent kind, guessed": ([TWO, TWO, NONE], [TWO, ONE, ONE], (1 + 2 / 3) / 3, (1 + 2 / 3) / 3),
    "half of it 30 ms late": ([LATE], [LATE + np.array([0, 0.03, 0, 0.03])], 1.0, 0.5),
    "kinds confused": ([ONE, LATE], [LATE, ONE], 2 / 5, 2 / 5),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_scores(name: str) -> None:
    truth, guess, fifty, twenty = GOLDEN[name]
    assert f1(truth, guess, 0.05) == pytest.approx(fifty, abs=1e-12, nan_ok=True)
    assert f1(truth, guess, 0.02) == pytest.approx(twenty, abs=1e-12, nan_ok=True)


def test_matching_is_one_to_one_and_as_large_as_can_be() -> None:
    assert matched(times(1.0, 2.0, 3.0), times(1.04, 2.06, 3.0), 0.05) == 2
    assert matched(times(1.0, 2.0, 3.0), times(1.04, 2.06, 3.0), 0.02) == 1
    assert matched(times(1.0), times(0.99, 1.01), 0.05) == 1, "two guesses of one event"
    assert matched(times(1.0, 1.06), times(1.03), 0.05) == 1, "one guess between two events"
    assert matched(times(1.0, 1.04), times(0.96, 1.01), 0.05) == 2, "each guess's nearest event would give one"


def test_counts_are_pooled_over_clips() -> None:
    """A long clip weighs by its events: the mean of F1 over these clips would be a half."""
    items = score_items([[np.arange(1.0, 10.0)], [times(1.5)]], [[np.arange(1.0, 10.0)], [NONE]], 0.05)
    assert items["hits"].tolist() == [9, 0] and items["truths"].tolist() == [9, 1]
    assert items["guesses"].tolist() == [9, 0] and items["label"].tolist() == [0, 0]
    assert reduction("pooled_f1")(items) == pytest.approx(18 / 19, abs=1e-12)
    assert precision_recall(items) == (1.0, 0.9)


def test_items_are_kinds_of_clips() -> None:
    items = score_items([[ONE, TWO], [NONE, LATE]], [[ONE, NONE], [NONE, LATE]], 0.05)
    assert items["label"].tolist() == [0, 1, 0, 1]
    assert items["hits"].tolist() == [1, 0, 0, 4] and items["truths"].tolist() == [1, 2, 0, 4]


def test_clips_that_lack_a_kind() -> None:
    def pooled(truth: list[np.ndarray], guess: list[np.ndarray]) -> float:
        return reduction("pooled_f1")(score_items([[one] for one in truth], [[one] for one in guess], 0.05))

    assert pooled([TWO, NONE], [TWO, NONE]) == 1.0, "silent and taken for silent: no weight"
    assert pooled([TWO, NONE], [TWO, TWO]) == pytest.approx(2 / 3), "silent and guessed: wrong"
    assert pooled([TWO, TWO], [TWO, NONE]) == pytest.approx(2 / 3), "there and not guessed: missed"
    # Wrong guesses in a clip without the kind weigh as many events as there are, whichever clip they are in.
    assert pooled([TWO, NONE], [TWO, TWO]) == pytest.approx(pooled([TWO], [times(1.0, 2.0, 3.0, 4.0)]))
    assert np.isnan(pooled([NONE], [NONE])), "nothing to score"
    assert precision_recall(score_items([[NONE]], [[NONE]], 0.05)) == (0.0, 0.0)


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
    with pytest.raises(DataError, match=f"guessed events .*{why}"):
        score_items([[times(0.5)]], [[wrong]], 0.05)
    with pytest.raises(DataError, match=f"true events .*{why}"):
        score_items([[wrong]], [[NONE]], 0.05)
