"""From answers to strokes to scores: against mir_eval, and the rules for drums that are not there."""

from __future__ import annotations

import mir_eval
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import BenchError
from benchmark.metrics import reduction
from benchmark.task import Batch, Split
from tasks.drums import task
from tasks.drums.clips import Clip
from tasks.drums.features import HOP_SECONDS, MELS
from tasks.drums.patches import BESIDE, Patches, frame_targets
from tasks.drums.picking import APART, THRESHOLD, pick
from tasks.drums.score import matched, score_items

FIFTY, TWENTY = (metric.id for metric in task.metrics)
NONE = np.zeros(0)


def clip(*strokes: list[int], frames: int = 100, source: int = 0) -> Clip:
    """Silence with strokes in these frames of each drum."""
    times = tuple(np.array(frames_of, np.float64) * HOP_SECONDS for frames_of in strokes)
    return Clip(np.zeros((frames, MELS), np.float16), times, source)


def split(*clips: Clip) -> Patches:
    return Patches(clips, 0.0, 1.0)


def sure(split: Patches, later: int = 0) -> torch.Tensor:
    """Logits of a model that knows the targets, and answers so many frames late."""
    parts = [torch.roll(part, later, 0) for part in split.targets.split(split.frames)]
    return 40 * torch.cat(parts) - 20


def f1(truth: list[np.ndarray], guess: list[np.ndarray], tolerance: float = 0.05) -> float:
    return reduction("pooled_f1")(score_items([truth], [guess], tolerance))


times = st.lists(st.floats(0, 5, allow_nan=False), max_size=25).map(lambda values: np.sort(np.array(values, float)))


@settings(max_examples=150, deadline=None)
@given(times, times, st.sampled_from([0.02, 0.05]))
def test_one_drum_in_one_clip_scores_as_mir_eval_has_it(truth: np.ndarray, guess: np.ndarray, tolerance: float) -> None:
    expected, _, _ = (
        mir_eval.onset.f_measure(truth, guess, window=tolerance) if len(truth) and len(guess) else (0, 0, 0)
    )
    found = f1([truth], [guess], tolerance)
    if len(truth) + len(guess):
        assert found == pytest.approx(expected, abs=1e-12)
    else:
        assert np.isnan(found)


ONE, TWO, LATE = np.array([1.0]), np.array([1.0, 2.0]), np.array([0.5, 1.0, 1.5, 2.0])
GOLDEN = {
    # Truth and guess of kick, snare and hat; F1 at 50 and at 20 ms.
    "perfect": ([LATE, TWO, ONE], [LATE, TWO, ONE], 1.0, 1.0),
    "nothing guessed": ([LATE, TWO, ONE], [NONE, NONE, NONE], 0.0, 0.0),
    "nothing there": ([NONE, NONE, NONE], [LATE, TWO, ONE], 0.0, 0.0),
    "nothing there, nothing guessed": ([NONE, NONE, NONE], [NONE, NONE, NONE], np.nan, np.nan),
    "exactly on 50 ms": ([ONE], [ONE + 0.05], 1.0, 0.0),
    "just over 50 ms": ([ONE], [ONE + 0.050001], 0.0, 0.0),
    "exactly on 20 ms": ([ONE], [ONE - 0.02], 1.0, 1.0),
    "just over 20 ms": ([ONE], [ONE - 0.020001], 1.0, 0.0),
    "doubled onsets": ([TWO], [np.array([1.0, 1.01, 2.0, 2.01])], 2 / 3, 2 / 3),
    "silent class, left silent": ([TWO, TWO, NONE], [TWO, ONE, NONE], (1 + 2 / 3) / 2, (1 + 2 / 3) / 2),
    "silent class, guessed": ([TWO, TWO, NONE], [TWO, ONE, ONE], (1 + 2 / 3) / 3, (1 + 2 / 3) / 3),
    "half of it 30 ms late": ([LATE], [LATE + np.array([0, 0.03, 0, 0.03])], 1.0, 0.5),
    "drums confused": ([ONE, LATE], [LATE, ONE], 2 / 5, 2 / 5),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_scores(name: str) -> None:
    truth, guess, fifty, twenty = GOLDEN[name]
    assert f1(truth, guess, 0.05) == pytest.approx(fifty, abs=1e-12, nan_ok=True)
    assert f1(truth, guess, 0.02) == pytest.approx(twenty, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("bad", [[np.nan], [1.0, np.inf], [2.0, 1.0], [-0.1, 1.0]])
def test_times_that_are_none_are_refused(bad: list[float]) -> None:
    for truth, guess, name in ((np.array(bad), ONE, "true"), (ONE, np.array(bad), "guessed")):
        with pytest.raises(BenchError, match=f"{name} strokes must be finite, not negative and in order"):
            matched(truth, guess, 0.05)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_answers_that_are_not_finite_are_refused(bad: float) -> None:
    clips = split(clip([10], [20], [30]))
    outputs = sure(clips)
    outputs[50, 1] = bad
    with pytest.raises(BenchError, match="not all finite"):
        task.evaluate(outputs, clips)


def test_counts_are_those_of_hand_made_cases() -> None:
    truth = np.array([1.0, 2.0, 3.0])
    assert matched(truth, np.array([1.04, 2.06, 3.0]), 0.05) == 2
    assert matched(truth, np.array([1.04, 2.06, 3.0]), 0.02) == 1
    # Two guesses of one stroke are one hit; one guess between two strokes is one hit.
    assert matched(np.array([1.0]), np.array([0.99, 1.01]), 0.05) == 1
    assert matched(np.array([1.0, 1.06]), np.array([1.03]), 0.05) == 1
    # As many pairs as can be: each guess's nearest stroke would give one.
    assert matched(np.array([1.0, 1.04]), np.array([0.96, 1.01]), 0.05) == 2


def test_counts_are_pooled_over_clips_and_drums_weigh_alike() -> None:
    kicks, snares = np.arange(1.0, 10.0), np.array([1.5])
    items = score_items([[kicks, snares], [kicks, NONE]], [[kicks, NONE], [NONE, NONE]], 0.05)
    assert items["label"].tolist() == [0, 1, 0, 1]
    assert items["hits"].tolist() == [9, 0, 0, 0]
    assert items["truths"].tolist() == [9, 1, 9, 0]
    assert items["guesses"].tolist() == [9, 0, 0, 0]
    assert reduction("pooled_f1")(items) == pytest.approx((2 * 9 / 27 + 0) / 2)


def test_drums_that_are_not_there() -> None:
    some = np.array([1.0, 2.0])
    assert f1([some, NONE], [some, NONE]) == 1.0, "silent and taken for silent: left out"
    assert f1([some, NONE], [some, some]) == 0.5, "silent and guessed: wrong"
    assert f1([some, some], [some, NONE]) == 0.5, "there and not guessed: missed"
    assert np.isnan(f1([NONE], [NONE])), "nothing to score"
    # Wrong guesses in a clip without the drum weigh as many strokes as there are, whichever clip they are in.
    apart = score_items([[some], [NONE]], [[some], [some]], 0.05)
    assert reduction("pooled_f1")(apart) == f1([some], [np.array([1.0, 2.0, 3.0, 4.0])]) == pytest.approx(2 / 3)


def test_a_perfect_model_scores_exactly_one() -> None:
    clips = split(clip([0, 4, 30, 99], [], [7, 11, 15]), clip([50], [98], [0, 4], frames=104))
    assert task.evaluate(sure(clips), clips).scores == {FIFTY: 1.0, TWENTY: 1.0}


def test_a_late_model_scores_by_its_lateness() -> None:
    """Frames are 11.6 ms apart: one is within 20 ms, two and four within 50 ms, five are not."""
    clips = split(clip([10, 30, 60], [20], [10, 40, 80]))
    scores = {late: task.evaluate(sure(clips, late), clips).scores for late in (1, 2, 4, 5)}
    assert [scores[late][FIFTY] for late in (1, 2, 4, 5)] == [1, 1, 1, 0]
    assert [scores[late][TWENTY] for late in (1, 2, 4, 5)] == [1, 0, 0, 0]


def test_models_that_say_nothing_or_everything() -> None:
    clips = split(clip([10, 40], [20], [30]))
    silent, loud = torch.full((100, 3), -20.0), torch.full((100, 3), 20.0)
    assert task.evaluate(silent, clips).scores[FIFTY] == 0
    found = task.evaluate(loud, clips)
    # Every fourth frame, as close as strokes may be.
    assert found.items[FIFTY]["guesses"].tolist() == [25, 25, 25]
    assert 0 < found.scores[FIFTY] < 0.2


def test_answers_of_one_clip_do_not_reach_the_next() -> None:
    clips = split(clip([], [], []), clip([0], [], []))
    outputs = torch.full((200, 3), -20.0)
    outputs[[99, 100], 0] = 20.0
    assert task.evaluate(outputs, clips).items[FIFTY]["guesses"].tolist() == [1, 0, 0, 1, 0, 0]


def test_items_are_drums_of_clips() -> None:
    clips = split(clip([1], [2], [3], source=5), clip([1], [], [3], source=9))
    items = task.evaluate(sure(clips), clips).items
    assert clips.sources.tolist() == [5, 5, 5, 9, 9, 9]
    assert all(len(values) == 6 for metric in items.values() for values in metric.values())
    assert items[FIFTY]["label"].tolist() == [0, 1, 2, 0, 1, 2]


def test_only_its_own_splits_are_scored() -> None:
    class Foreign(Split):
        sources = np.zeros(1, np.int64)

        def __len__(self) -> int:
            return 1

        def batch(self, rows: torch.Tensor) -> Batch:
            raise AssertionError

    with pytest.raises(TypeError, match="own splits"):
        task.evaluate(torch.zeros(1, 3), Foreign())


def answers(**at: float) -> np.ndarray:
    """40 frames; `f7=0.5`: the answer of frame 7."""
    values = np.zeros(40)
    for name, value in at.items():
        values[int(name[1:])] = value
    return values


@pytest.mark.parametrize(
    ("given", "frames"),
    [
        (answers(f6=0.5, f7=1.0, f8=0.5), [7]),
        (answers(f7=0.99), []),
        (answers(f7=1.0), [7]),
        (answers(f7=0.6, f8=0.6), [7.5]),
        (answers(f6=0.2, f7=0.7, f8=0.2), [7]),
        (answers(f5=0.1, f6=0.2, f7=0.5, f8=0.2, f9=0.1), [7]),
        (answers(f0=1.0, f39=1.0), [0, 39]),
        (answers(f10=1.0, f14=1.0), [10, 14]),
        (answers(f10=1.0, f13=0.9), [10]),
        (answers(f3=0.8, f12=0.8, f30=0.8), []),
        (np.zeros(40), []),
        (np.zeros(0), []),
    ],
)
def test_a_stroke_is_where_enough_of_one_is_expected(given: np.ndarray, frames: list[float]) -> None:
    assert pick(given) / HOP_SECONDS == pytest.approx(frames)


def test_a_higher_threshold_hears_less() -> None:
    given = answers(f5=0.5, f15=0.9, f25=1.0, f26=0.9)
    assert [len(pick(given, threshold)) for threshold in (0.2, 0.4, 0.6, 0.99)] == [3, 2, 1, 0]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.01, 1.5))
def test_strokes_are_apart_in_order_and_inside(seed: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    strokes = pick(np.clip(rng.exponential(density, 120) * rng.integers(0, 2, 120), 0, 1)) / HOP_SECONDS
    assert (strokes >= 0).all() and (strokes <= 119).all()
    assert (np.diff(strokes) > APART - 1).all(), "centres of mass move by less than a frame each"


def test_the_threshold_suits_answers_that_are_calibrated() -> None:
    """Of answers with every chance of being right it takes more than it should leave: F1 is near its best."""
    rng = np.random.default_rng(0)
    chance = rng.uniform(0, 1, 4000)
    frames = np.zeros(len(chance) * 10)
    for step, share in ((-1, BESIDE), (0, 1.0), (1, BESIDE)):
        frames[5 + step :: 10] = share * chance
    truth = (np.flatnonzero(rng.random(len(chance)) < chance) * 10 + 5) * HOP_SECONDS
    scores = [f1([truth], [pick(frames, threshold)]) for threshold in (0.05, 0.2, 0.35, THRESHOLD, 0.7, 0.9)]
    assert scores[3] > max(scores) - 0.02 and scores[3] > max(scores[0], scores[-1]) + 0.02


def test_targets_reach_into_the_next_frames_and_no_further() -> None:
    targets = frame_targets(clip([0, 10, 11], [5], [99]))
    assert targets[[0, 1, 2, 9, 10, 11, 12, 13], 0].tolist() == [1, BESIDE, 0, BESIDE, 1, 1, BESIDE, 0]
    assert targets[3:8, 1].tolist() == [0, BESIDE, 1, BESIDE, 0]
    assert targets[:, 2].sum() == 1 + BESIDE and targets[99, 2] == 1
