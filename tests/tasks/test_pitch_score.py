"""Scores against mir_eval's own, on curves whose score is known; bins, targets and decoding."""

from __future__ import annotations

import warnings

import mir_eval
import numpy as np
import pytest
import torch

from benchmark.errors import BenchError
from benchmark.metrics import reduction
from tasks.pitch import task
from tasks.pitch.frames import Frames
from tasks.pitch.recordings import HOP, Clips
from tasks.pitch.scale import BINS, CENTS_PER_BIN, HIGHEST, LOWEST, UNVOICED, blurred, decode
from tasks.pitch.score import score_items

NAMES = {
    "rpa50": "Raw Pitch Accuracy",
    "rca50": "Raw Chroma Accuracy",
    "oa50": "Overall Accuracy",
    "vr": "Voicing Recall",
    "vfa": "Voicing False Alarm",
}


def scores(truth: np.ndarray, guess: np.ndarray, voiced: np.ndarray, items: np.ndarray | None = None) -> dict:
    items = np.zeros(len(truth), int) if items is None else items
    found = score_items(truth, guess, voiced, items, int(items.max()) + 1)
    return {name: reduction("ratio")(arrays) for name, arrays in found.items()}


def curves(seed: int, frames: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A truth with gaps, and a guess with small errors, large ones, octave errors and errors of voicing."""
    rng = np.random.default_rng(seed)
    truth = 220 * 2 ** (np.cumsum(rng.normal(0, 0.3, frames)).clip(-24, 24) / 12)
    cents = rng.normal(0, 30, frames) + rng.choice([0, 0, 0, 1200, -2400, 333], frames)
    guess = truth * 2 ** (cents / 1200)
    truth[rng.random(frames) < 0.3] = 0
    return truth, guess, (truth > 0) ^ (rng.random(frames) < 0.2)


def by_mir_eval(truth: np.ndarray, guess: np.ndarray, voiced: np.ndarray) -> dict[str, float]:
    time = np.arange(len(truth)) / 100
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(mir_eval.melody.evaluate(time, truth.copy(), time, np.where(voiced, guess, -guess)))


@pytest.mark.parametrize("seed", range(5))
def test_a_clip_scores_as_in_mir_eval(seed: int) -> None:
    truth, guess, voiced = curves(seed)
    ours, theirs = scores(truth, guess, voiced), by_mir_eval(truth, guess, voiced)
    for name, title in NAMES.items():
        assert ours[name] == pytest.approx(theirs[title], abs=1e-12), name
    reference, estimate = mir_eval.melody.hz2cents(truth), mir_eval.melody.hz2cents(guess)
    fine = mir_eval.melody.raw_pitch_accuracy(truth > 0, reference, voiced * 1.0, estimate, cent_tolerance=25)
    assert ours["rpa25"] == pytest.approx(fine, abs=1e-12)


@pytest.mark.parametrize(
    ("cents", "expected"),
    [
        (0, (1, 1, 1)),
        (24, (1, 1, 1)),
        (-26, (1, 0, 1)),
        (49.9, (1, 0, 1)),
        (50.1, (0, 0, 0)),
        (1200, (0, 0, 1)),
        (-2451, (0, 0, 0)),
    ],
)
def test_a_guess_that_is_off_by_so_much(cents: float, expected: tuple[int, int, int]) -> None:
    truth = np.geomspace(60, 1800, 50)
    found = scores(truth, truth * 2 ** (cents / 1200), np.ones(50, bool))
    assert (found["rpa50"], found["rpa25"], found["rca50"]) == expected
    assert found["oa50"] == found["rpa50"]


TRUTH = np.array([0.0, 220.0, 220.0, 330.0, 0.0, 440.0, 440.0, 0.0])
ALL = np.ones(8, bool)
SOUNDING = np.where(TRUTH > 0, TRUTH, 100.0)
# rpa50, rpa25, rca50, oa50, vr, vfa
GOLDEN = {
    "perfect": (TRUTH, SOUNDING, TRUTH > 0, (1, 1, 1, 1, 1, 0)),
    "octave up": (TRUTH, 2 * SOUNDING, TRUTH > 0, (0, 0, 1, 3 / 8, 1, 0)),
    "two octaves down": (TRUTH, SOUNDING / 4, ALL, (0, 0, 1, 0, 1, 1)),
    "one frame an octave off": (
        TRUTH,
        SOUNDING * np.where(np.arange(8) == 1, 2, 1),
        ALL,
        (4 / 5, 4 / 5, 1, 4 / 8, 1, 1),
    ),
    "empty estimate": (TRUTH, SOUNDING, ~ALL, (1, 1, 1, 3 / 8, 0, 0)),
    "empty reference": (0 * TRUTH, SOUNDING, TRUTH > 0, (np.nan, np.nan, np.nan, 3 / 8, np.nan, 5 / 8)),
    "silent in both": (0 * TRUTH, SOUNDING, ~ALL, (np.nan, np.nan, np.nan, 1, np.nan, 0)),
    "no silence": (SOUNDING, SOUNDING, ALL, (1, 1, 1, 1, 1, np.nan)),
    "nothing at all": (TRUTH[:0], TRUTH[:0], ALL[:0], (np.nan,) * 6),
    # mir_eval counts cents from 10 Hz: differences to it are not rounded.
    "exactly 50 cents": (np.full(4, 10.0), np.full(4, 10 * 2 ** (50 / 1200)), ALL[:4], (0, 0, 0, 0, 1, np.nan)),
    "exactly 25 cents": (np.full(4, 10.0), np.full(4, 10 * 2 ** (25 / 1200)), ALL[:4], (1, 0, 1, 1, 1, np.nan)),
    "exactly 1250 cents": (np.full(4, 10.0), np.full(4, 10 * 2 ** (1250 / 1200)), ALL[:4], (0, 0, 0, 0, 1, np.nan)),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_scores(name: str) -> None:
    truth, guess, voiced, expected = GOLDEN[name]
    parts = score_items(truth, guess, voiced, np.zeros(len(truth), int), 1)
    found = [reduction("ratio")(parts[score]) for score in ("rpa50", "rpa25", "rca50", "oa50", "vr", "vfa")]
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -220.0])
def test_a_guess_that_is_no_frequency_is_refused(bad: float) -> None:
    guess = SOUNDING.copy()
    guess[3] = bad
    with pytest.raises(BenchError, match="must be finite, and guesses above 0"):
        scores(TRUTH, guess, ALL)


def test_a_truth_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(BenchError, match="must be finite"):
        scores(np.where(TRUTH == 330, np.nan, TRUTH), SOUNDING, ALL)


def test_frames_out_of_order_and_of_other_numbers_are_refused() -> None:
    with pytest.raises(BenchError, match="in order, clip after clip"):
        scores(TRUTH, SOUNDING, ALL, np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    with pytest.raises(BenchError, match="8 frames, 7 guesses, 8 voicings"):
        scores(TRUTH, SOUNDING[1:], ALL)


def test_raw_pitch_does_not_ask_for_voicing_and_overall_accuracy_does() -> None:
    truth = np.array([220.0, 220, 220, 0, 0])
    found = scores(truth, np.full(5, 220.0), np.array([True, False, True, True, False]))
    assert found["rpa50"] == 1
    assert found["oa50"] == pytest.approx(3 / 5)
    assert found["vr"] == pytest.approx(2 / 3)
    assert found["vfa"] == pytest.approx(1 / 2)


def test_frames_are_pooled_over_clips() -> None:
    """Three right of three and none right of one: three quarters, not one half."""
    truth, guess = np.full(4, 220.0), np.array([220.0, 220, 220, 300])
    assert scores(truth, guess, np.ones(4, bool), np.array([0, 0, 0, 1]))["rpa50"] == 0.75


def test_a_clip_without_voiced_frames_weighs_nothing_in_pitch_and_counts_in_voicing() -> None:
    truth = np.array([220.0, 220, 0, 0])
    voiced = np.array([True, True, True, False])
    items = np.array([0, 0, 1, 1])
    parts = score_items(truth, np.full(4, 220.0), voiced, items, 2)
    for name in ("rpa50", "rpa25", "rca50", "vr"):
        assert parts[name]["whole"].tolist() == [2, 0]
        assert parts[name]["part"].tolist() == [2, 0]
    assert parts["vfa"]["whole"].tolist() == [0, 2]
    assert parts["vfa"]["part"].tolist() == [0, 1]
    assert parts["oa50"]["part"].tolist() == [2, 1]
    assert parts["oa50"]["whole"].tolist() == [2, 2]


def test_a_split_with_nothing_voiced_has_no_pitch_score() -> None:
    found = scores(np.zeros(3), np.full(3, 220.0), np.zeros(3, bool))
    assert np.isnan([found["rpa50"], found["rca50"], found["vr"]]).all()
    assert (found["oa50"], found["vfa"]) == (1, 0)


def test_bins_are_20_cents_from_c1_and_targets_peak_at_the_pitch() -> None:
    assert pytest.approx(32.703, abs=1e-3) == LOWEST
    hertz = LOWEST * 2 ** (torch.arange(BINS, dtype=torch.float64) * CENTS_PER_BIN / 1200)
    targets = blurred(hertz)
    assert torch.equal(targets.argmax(1), torch.arange(BINS))
    assert torch.allclose(targets.sum(1), torch.ones(BINS, dtype=torch.float64))
    # Equation 3: 25 cents off is exp(-1/2) of the peak; bins are 20 cents apart.
    ratio = targets[100, 101] / targets[100, 100]
    assert ratio.item() == pytest.approx(np.exp(-(20**2) / (2 * 25**2)))


def test_frames_without_pitch_have_a_target_of_their_own() -> None:
    targets = blurred(torch.tensor([0.0, 440.0, -1.0]))
    assert targets[0].tolist() == [0.0] * BINS + [1.0]
    assert targets[2].argmax() == UNVOICED
    assert targets[1, UNVOICED] == 0


def test_frequencies_outside_of_the_bins_get_the_nearest() -> None:
    targets = blurred(torch.tensor([10.0, 9000.0]))
    assert targets.argmax(1).tolist() == [0, BINS - 1]
    assert torch.isfinite(targets).all()


def test_what_is_encoded_is_decoded() -> None:
    """Between bins too, to a cent; at the ends half of the blur is cut off."""
    inside = np.geomspace(LOWEST * 1.1, HIGHEST / 1.1, 500)
    logits = blurred(torch.from_numpy(inside)).clamp_min(1e-12).log()
    hertz, voiced = decode(logits, logits.argmax(1))
    assert np.abs(1200 * np.log2(hertz / inside)).max() < 1
    assert voiced.all()


def test_a_frame_is_voiced_where_no_pitch_has_less_than_half() -> None:
    logits = torch.zeros(2, BINS + 1)
    logits[:, 50] = 5.0
    # The other bins together weigh as much as e^5.88.
    rest = np.log(np.exp(5) + BINS - 1)
    logits[:, UNVOICED] = torch.tensor([rest - 0.01, rest + 0.01])
    hertz, voiced = decode(logits, torch.tensor([50, 50]))
    assert voiced.tolist() == [True, False]
    assert hertz[0] == hertz[1] == pytest.approx(LOWEST * 2 ** (1000 / 1200))


@pytest.mark.parametrize("peak", [0, 2, BINS - 1])
def test_decoding_stays_inside_at_the_ends(peak: int) -> None:
    logits = torch.full((1, BINS + 1), -20.0)
    logits[0, peak] = 20.0
    hertz, _ = decode(logits, torch.tensor([peak]))
    assert hertz[0] == pytest.approx(LOWEST * 2 ** (peak * 20 / 1200))


def split(hertz: np.ndarray, lengths: list[int], stride: int = 1) -> Frames:
    audio = np.zeros(len(hertz) * HOP, np.int16)
    clips = Clips(audio, hertz.astype(np.float32), np.array(lengths), np.arange(len(lengths)))
    return Frames([clips], stride)


def test_the_task_scores_logits_clip_by_clip() -> None:
    hertz = np.array([220.0, 440, 0, 0, 880, 880, 110])
    outputs = blurred(torch.from_numpy(hertz)).clamp_min(1e-12).log()
    outputs[6] = outputs[5]
    found = task.evaluate(outputs, split(hertz, [4, 3]))
    assert found.scores["pitch.rpa50.v1"] == pytest.approx(4 / 5)
    assert found.scores["pitch.rca50.v1"] == 1
    assert found.scores["pitch.oa50.v1"] == pytest.approx(6 / 7)
    assert found.scores["pitch.vfa.v1"] == 0
    assert found.items["pitch.rpa50.v1"]["part"].tolist() == [2, 2]
    assert found.items["pitch.rpa50.v1"]["whole"].tolist() == [2, 3]
    assert set(found.scores) == {m.id for m in task.metrics}


def test_the_loss_is_least_for_the_truth() -> None:
    hertz = torch.tensor([100.0, 0.0, 1000.0])
    right = blurred(hertz).clamp_min(1e-9).log()
    losses = [task.loss(right, hertz), task.loss(right.roll(3, 1), hertz), task.loss(torch.zeros_like(right), hertz)]
    assert losses[0] < min(losses[1:])
    assert losses[2].item() == pytest.approx(np.log(BINS + 1), rel=1e-5)
