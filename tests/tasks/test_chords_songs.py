"""Rows and scores of songs of any length, with any of Harte's labels."""

from __future__ import annotations

import mir_eval
import numpy as np
import pytest
import torch

from benchmark.metrics import reduction
from tasks.chords import recordings, songs
from tasks.chords.harmony import CLASS_LABELS, CODE_CLASSES, LABELS, NO_CHORD, OUT
from tasks.chords.model import BINS
from tasks.chords.piece import HOP_SECONDS
from tasks.chords.recordings import CONTEXT, MARGIN
from tasks.chords.score import classes
from tasks.chords.songs import Song, Songs


def song(labels: list[str], source: int = 0, seed: int = 0) -> Song:
    features = np.random.default_rng(seed).normal(size=(BINS + 2 * MARGIN, len(labels) + 2 * CONTEXT))
    return Song(features.astype(np.float16), tuple(labels), source)


@pytest.mark.parametrize("stride", [1, 6])
def test_a_row_is_centred_on_its_frame_in_songs_of_any_length(stride: int) -> None:
    both = [song(["C:maj"] * 20 + ["D:min"] * 11, 4, 1), song(["N"] * 9 + ["E:7"] * 10, 2, 2)]
    rows = Songs(both, 0.5, 2.0, stride)
    assert rows.sources.tolist() == [4, 2]
    expected = [(s, f) for s in both for f in range(stride // 2, len(s.labels), stride)]
    assert len(rows) == len(expected)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    batch = rows.batch(order)
    for row, wide, inputs, target in zip(order.tolist(), batch.wide, batch.inputs, batch.targets, strict=True):
        whole, frame = expected[row]
        patch = (whole.features[:, frame : frame + 2 * CONTEXT + 1].astype(np.float32) - 0.5) / 2
        assert np.array_equal(wide[0].numpy(), patch)
        assert torch.equal(inputs[0], wide[0, MARGIN : MARGIN + BINS])
        assert target == {"C:maj": 0, "D:min": 14, "N": NO_CHORD, "E:7": 4}[whole.labels[frame]]


def test_features_of_a_clip_are_those_of_the_rendered_data() -> None:
    audio = recordings.render(1, 2)[0]
    assert np.array_equal(songs.constant_q(audio), recordings.constant_q(audio))


def test_normalised_training_features_have_mean_0_and_deviation_1() -> None:
    parts = [song(["N"] * 30, 0, 1), song(["N"] * 7, 1, 2)]
    mean, deviation = songs.statistics(parts)
    joined = np.concatenate([s.features for s in parts], 1).astype(np.float64)
    assert mean == pytest.approx(joined.mean(), abs=1e-12)
    assert deviation == pytest.approx(joined.std(), abs=1e-12)


def test_classes_are_those_of_the_rendered_labels_and_of_mir_eval() -> None:
    assert classes(LABELS).tolist() == CODE_CLASSES.tolist()
    known = {
        "C": 0, "C:maj6": 0, "Db:9": 1, "C/3": 0, "B:min9": 23, "A:minmaj7": 21, "E#:min": 17,
        "N": NO_CHORD, "X": OUT, "C:5": OUT, "C:1": OUT, "D:hdim7": OUT, "G:aug": OUT, "E:sus2": OUT, "F:dim7": OUT,
    }  # fmt: skip
    assert dict(zip(known, classes(tuple(known)).tolist(), strict=True)) == known


def test_a_perfect_answer_scores_1_and_no_answer_to_what_has_none() -> None:
    rows = Songs([song(["C:maj6"] * 9 + ["X"] * 4 + ["N"] * 5), song(["F:aug"] * 6)], 0, 1)
    guess = np.where(rows.targets.numpy() == OUT, 3, rows.targets.numpy())
    found = rows.score(guess)
    ratio = reduction("ratio")
    assert ratio(found["majmin"]) == ratio(found["seg"]) == 1
    assert ratio(found["root"]) == pytest.approx(14 / 20, abs=1e-12), "of the augmented chord the root is asked"
    assert found["coverage"]["part"].tolist() == pytest.approx([14 * HOP_SECONDS, 0])
    assert found["majmin"]["whole"].tolist() == pytest.approx([14 * HOP_SECONDS, 0])


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_mir_evals_on_labelled_intervals(seed: int) -> None:
    """Changes on the frame grid: the very same; anywhere: up to half a frame a change."""
    rng = np.random.default_rng(seed)
    pool = ["C", "C:maj6", "D:min9", "E:7/3", "A:min", "N", "X", "G:5", "B:hdim7", "Eb:maj7"]
    for exact in (True, False):
        changes = np.cumsum(rng.integers(4, 30, 40)) * HOP_SECONDS + (0 if exact else rng.uniform(0, 0.09, 40))
        intervals = np.stack([np.r_[0, changes[:-1]], changes], 1)
        labels = [str(label) for label in rng.choice(pool, 40)]
        frames = int(changes[-1] / HOP_SECONDS + 0.5)
        rows = Songs([song(list(songs.frame_labels(intervals, labels, 0.0, frames)))], 0, 1)
        truth = rows.targets.numpy()
        guess = np.where((rng.random(frames) < 0.3) | (truth == OUT), rng.integers(0, 25, frames), truth)
        est = np.stack([np.arange(frames), np.arange(frames) + 1], 1) * HOP_SECONDS
        said = [CLASS_LABELS[g] for g in guess]
        est, said = mir_eval.util.adjust_intervals(est, said, 0, changes[-1], end_label="N")
        joined, one, other = mir_eval.util.merge_labeled_intervals(intervals, labels, est, said)
        durations = mir_eval.util.intervals_to_durations(joined)
        for name in ("majmin", "root", "thirds"):
            theirs = mir_eval.chord.weighted_accuracy(getattr(mir_eval.chord, name)(one, other), durations)
            assert reduction("ratio")(rows.score(guess)[name]) == pytest.approx(theirs, abs=1e-9 if exact else 0.02)


def test_where_an_annotation_says_nothing_there_is_no_chord() -> None:
    intervals = np.array([[3.0, 4.0], [1.0, 2.0]])
    named = songs.frame_labels(intervals, ["D", "C"], 0.0, round(5 / HOP_SECONDS))
    middles = (np.arange(len(named)) + 0.5) * HOP_SECONDS
    assert list(named) == ["C" if 1 <= m < 2 else "D" if 3 <= m < 4 else "N" for m in middles]
    later = songs.frame_labels(intervals, ["D", "C"], 1.5, 3)
    assert later == ("C", "C", "C")
