"""Scores against mir_eval's own evaluation, and of guesses whose score is known."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import mir_eval
import numpy as np
import pytest
import torch

from benchmark.metrics import reduction
from tasks.chords import task
from tasks.chords.harmony import CLASS_LABELS, CODE_CLASSES, LABELS, NO_CHORD, OUT
from tasks.chords.score import COMPARISONS, SEGMENTATIONS, intervals, score_items

GOLDEN = Path(__file__).with_name("golden_chords.json")
SECONDS = 2048 / 22050
NAMES = (*COMPARISONS, *SEGMENTATIONS, "coverage")


def scores(codes: np.ndarray, guess: np.ndarray) -> dict[str, float]:
    ratio = reduction("ratio")
    return {name: ratio(items) for name, items in score_items(codes, guess, SECONDS).items()}


def pieces(seed: int, clips: int = 12, frames: int = 64) -> np.ndarray:
    """(clips, frames) codes that change every few frames."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 12, (clips, frames))
    return np.stack([np.repeat(rng.integers(0, len(LABELS), frames), n)[:frames] for n in lengths])


def truth(codes: np.ndarray) -> np.ndarray:
    """What a perfect model says: for dim and sus4 the triad whose root and third mir_eval accepts."""
    nearest = [
        c if c != OUT else place % 12 + 12 * LABELS[place].endswith("dim") for place, c in enumerate(CODE_CLASSES)
    ]
    return np.array(nearest)[codes]


def noisy(codes: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(codes.shape) < 0.3, rng.integers(0, 25, codes.shape), truth(codes))


def swapped(codes: np.ndarray) -> np.ndarray:
    classes = truth(codes)
    return np.where(classes == NO_CHORD, NO_CHORD, (classes + 12) % 24)


def tritone_off(codes: np.ndarray) -> np.ndarray:
    classes = truth(codes)
    return np.where(classes == NO_CHORD, NO_CHORD, classes // 12 * 12 + (classes + 6) % 12)


def by_mir_eval(codes: np.ndarray, guess: np.ndarray) -> dict[str, tuple[float, float]]:
    """Part and whole of one clip by mir_eval's own path over labelled intervals."""
    found = {}
    for name in COMPARISONS:
        # No triad has three notes in common with these.
        out = ("dim", "sus4") if name == "mirex" else ()
        reference = ["X" if LABELS[k].endswith(out) else LABELS[k] for k in codes]
        joined, ref, est = labelled(reference, [CLASS_LABELS[g] for g in guess])
        durations = mir_eval.util.intervals_to_durations(joined)
        compared = getattr(mir_eval.chord, name)(ref, est)
        whole = durations[compared >= 0].sum()
        found[name] = (mir_eval.chord.weighted_accuracy(compared, durations) * whole, whole)
    return found


def labelled(reference: list[str], estimate: list[str]) -> tuple[np.ndarray, list[str], list[str]]:
    """Labels of frames as mir_eval's intervals with a label of each."""
    grid = np.arange(len(reference) + 1) * SECONDS
    frames = np.stack([grid[:-1], grid[1:]], 1)
    ref_intervals, ref_labels = merged(frames, reference)
    est_intervals, est_labels = merged(frames, estimate)
    est_intervals, est_labels = mir_eval.util.adjust_intervals(
        est_intervals, est_labels, ref_intervals.min(), ref_intervals.max(), "N", "N"
    )
    return mir_eval.util.merge_labeled_intervals(ref_intervals, ref_labels, est_intervals, est_labels)


def merged(frames: np.ndarray, labels: list[str]) -> tuple[np.ndarray, list[str]]:
    edges = [0, *(i for i in range(1, len(labels)) if labels[i] != labels[i - 1]), len(labels)]
    spans = np.array([[frames[a, 0], frames[b - 1, 1]] for a, b in itertools.pairwise(edges)])
    return spans, [labels[a] for a in edges[:-1]]


def coarse(codes: np.ndarray) -> np.ndarray:
    """Two frames late, and new only in every eighth frame: too few segments, as the noisy one has too many."""
    return np.roll(truth(codes), 2, axis=1)[:, ::8].repeat(8, axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_comparisons_are_those_of_mir_eval_on_merged_intervals(seed: int) -> None:
    codes = pieces(seed)
    guess = noisy(codes, seed)
    items = score_items(codes, guess, SECONDS)
    for clip in range(len(codes)):
        for name, (part, whole) in by_mir_eval(codes[clip], guess[clip]).items():
            assert items[name]["part"][clip] == pytest.approx(part, abs=1e-12), name
            assert items[name]["whole"][clip] == pytest.approx(whole, abs=1e-12), name


def test_segmentation_is_that_of_mir_eval() -> None:
    """In vocabulary, triads only: there mir_eval's own merging by label is merging by class."""
    rng = np.random.default_rng(5)
    codes = np.repeat(rng.integers(0, 24, (6, 16)), 4, axis=1)
    guess = noisy(codes, 5)
    items = score_items(codes, guess, SECONDS)
    grid = np.arange(65) * SECONDS
    frames = np.stack([grid[:-1], grid[1:]], 1)
    for clip in range(len(codes)):
        reference = merged(frames, [LABELS[k] for k in codes[clip]])
        estimate = merged(frames, [CLASS_LABELS[g] for g in guess[clip]])
        expected = mir_eval.chord.evaluate(*reference, *estimate)
        for name in SEGMENTATIONS:
            value = items[name]["part"][clip] / items[name]["whole"][clip]
            assert value == pytest.approx(expected[name], abs=1e-12), name


@pytest.mark.parametrize("seed", range(3))
def test_a_perfect_model_scores_exactly_one(seed: int) -> None:
    codes = pieces(seed)
    found = scores(codes, truth(codes))
    known = (CODE_CLASSES[codes] != OUT).mean()
    assert 0 < known < 1
    assert found.pop("coverage") == pytest.approx(known, abs=1e-12)
    assert found == dict.fromkeys(found, 1.0)


def test_what_is_said_where_nothing_can_be_right_does_not_count() -> None:
    codes = pieces(1)
    outside = CODE_CLASSES[codes] == OUT
    guess = noisy(codes, 2)
    one, other = scores(codes, guess), scores(codes, np.where(outside, 3, guess))
    assert {name for name in NAMES if one[name] != other[name]} == {"root", "thirds"}


def test_major_for_minor_keeps_the_root_and_nothing_else() -> None:
    codes = np.repeat(np.arange(24)[None], 3, axis=1)
    found = scores(codes, swapped(codes))
    assert (found["root"], found["majmin"], found["thirds"], found["seg"]) == (1.0, 0.0, 0.0, 1.0)


def test_a_tritone_off_is_wrong_but_in_time() -> None:
    codes = np.repeat(np.arange(24)[None], 3, axis=1)
    found = scores(codes, tritone_off(codes))
    assert [found[name] for name in COMPARISONS] == [0.0] * 4
    assert found["seg"] == 1.0


def test_always_n_scores_the_share_of_n_and_one_segment() -> None:
    codes = np.full((2, 40), LABELS.index("N"))
    codes[:, 10:] = 0
    codes[:, 30:] = LABELS.index("G:min")
    found = scores(codes, np.full_like(codes, NO_CHORD))
    assert found["majmin"] == pytest.approx(10 / 40, abs=1e-12)
    assert found["overseg"] == 1.0
    # One estimated segment of 40 frames against true ones of at most 20.
    assert found["underseg"] == found["seg"] == pytest.approx(20 / 40, abs=1e-12)


def test_one_wrong_frame_costs_one_frame() -> None:
    codes = np.zeros((2, 50), int)
    guess = truth(codes)
    guess[1, 20] = 7
    found = scores(codes, guess)
    assert found["majmin"] == pytest.approx(99 / 100, abs=1e-12)
    # The clip's one segment is broken in 20, 1 and 29 frames: 21 of 50 frames lie outside of the longest.
    assert found["overseg"] == pytest.approx((1 + 29 / 50) / 2, abs=1e-12)
    assert found["underseg"] == 1.0


def test_sevenths_count_as_triads_and_other_chords_by_root_and_third() -> None:
    codes = np.array([[LABELS.index(name) for name in ("C:7", "C:maj7", "A:min7", "C:dim", "C:sus4")]])
    found = scores(codes, np.array([[0, 0, 21, 0, 5]]))
    assert found["majmin"] == found["mirex"] == 1.0
    assert found["root"] == pytest.approx(4 / 5, abs=1e-12)
    assert found["thirds"] == found["coverage"] == pytest.approx(3 / 5, abs=1e-12)


def test_a_clip_with_nothing_to_score_has_no_weight() -> None:
    codes = np.array([[LABELS.index("C:dim")] * 4, [0] * 4])
    items = score_items(codes, np.zeros((2, 4), int), SECONDS)
    assert items["majmin"]["whole"].tolist() == [0.0, 4 * SECONDS]
    assert scores(codes, np.zeros((2, 4), int))["majmin"] == 1.0
    assert np.isnan(scores(codes[:1], np.zeros((1, 4), int))["majmin"])


def test_intervals_cover_the_clip() -> None:
    assert intervals(np.array([3, 3, 1, 1, 1, 3])).tolist() == [[0, 2], [2, 5], [5, 6]]
    assert intervals(np.array([4])).tolist() == [[0, 1]]


GUESSES = {
    "noisy": lambda codes: noisy(codes, 9),
    "coarse": coarse,
    "swapped": swapped,
    "tritone": tritone_off,
    "n": lambda codes: np.full_like(codes, NO_CHORD),
}


@pytest.mark.parametrize("kind", GUESSES)
def test_golden_scores(kind: str) -> None:
    golden = json.loads(GOLDEN.read_text())[kind]
    codes = pieces(7)
    found = scores(codes, GUESSES[kind](codes))
    assert set(golden) == set(NAMES)
    for name, value in golden.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name


def test_the_task_scores_the_largest_logit() -> None:
    data = task.data("rendered", None, "smoke", 0)
    classes = torch.from_numpy(truth(data.test.codes)).reshape(-1)
    evaluation = task.evaluate(torch.nn.functional.one_hot(classes, 25).float(), data.test)
    assert set(evaluation.scores) == set(evaluation.items) == {m.id for m in task.metrics}
    coverage = evaluation.scores["chords.coverage.v1"]
    assert coverage < 1
    assert all(value == 1.0 for name, value in evaluation.scores.items() if name != "chords.coverage.v1")
    for arrays in evaluation.items.values():
        assert arrays["part"].shape == arrays["whole"].shape == data.test.sources.shape
    with pytest.raises(TypeError, match="own splits"):
        task.evaluate(torch.zeros(1, 25), None)  # type: ignore[arg-type]
