"""The common metrics where their answers are known, and the sounds that a reader places a number between."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from benchmark.audio.anchors import anchors
from benchmark.audio.distances import log_spectral_distance, loudness_error, spectral_distance
from benchmark.audio.scores import HIGHER_IS_BETTER, compare, metrics
from benchmark.metrics import REDUCTIONS, reduction

RATE = 16_000
TIME = torch.arange(RATE) / RATE


def note(hertz: float, partials: int = 12) -> torch.Tensor:
    numbers = [k for k in range(1, partials + 1) if k * hertz < RATE / 2]
    tone = sum(torch.sin(2 * math.pi * k * hertz * TIME) / k for k in numbers)
    return tone * 0.3 * torch.exp(-2 * TIME)


@pytest.fixture(scope="module")
def reference() -> torch.Tensor:
    return torch.stack([note(f) for f in (110.0, 233.1, 440.0, 880.0)])


@pytest.fixture(scope="module")
def placed(reference) -> dict[str, dict[str, float]]:
    return anchors(reference, RATE)


def test_a_copy_is_perfect(placed):
    assert placed["copy"] == {"mss": 0, "lsd": 0, "cents": 0, "rpa50": 1, "voicing": 1, "loudness": 0}


def test_silence_is_one_and_has_no_pitch(placed):
    assert placed["silence"]["mss"] == pytest.approx(1, abs=1e-3)
    assert placed["silence"]["cents"] == 1200 and placed["silence"]["rpa50"] == 0
    assert placed["silence"]["lsd"] <= 60 and placed["silence"]["loudness"] > 40


def test_noise_is_worse_than_silence_by_spectrum_and_nearer_by_loudness(placed):
    assert placed["noise"]["mss"] > 1.5
    assert placed["noise"]["rpa50"] < 0.05 and placed["noise"]["voicing"] < 0.1
    assert placed["noise"]["loudness"] < placed["silence"]["loudness"] / 3


def test_a_semitone_is_a_hundred_cents(placed):
    assert placed["shifted"]["cents"] == pytest.approx(100, abs=4)
    assert placed["shifted"]["rpa50"] == 0 and placed["shifted"]["voicing"] > 0.9


def test_half_of_the_amplitude_is_six_decibels(placed):
    assert placed["softer"]["loudness"] == pytest.approx(20 * math.log10(2), abs=0.1)
    assert placed["softer"]["cents"] == pytest.approx(0, abs=0.01) and placed["softer"]["voicing"] > 0.95
    assert 0.2 < placed["softer"]["mss"] < 0.6


def test_level_of_both_does_not_matter(reference):
    noisy = reference + 0.01 * torch.randn(reference.shape, generator=torch.Generator().manual_seed(0))
    for distance in (spectral_distance, log_spectral_distance):
        assert torch.allclose(distance(noisy, reference), distance(noisy * 0.1, reference * 0.1), rtol=1e-3)


def test_phase_and_polarity_hardly_matter(reference):
    late = torch.stack([torch.roll(row, 5) for row in reference])
    assert (spectral_distance(-reference, reference) < 1e-5).all()
    assert (spectral_distance(late, reference) < 0.1).all()


def test_more_noise_is_further_away(reference):
    random = torch.randn(reference.shape, generator=torch.Generator().manual_seed(0))
    for distance in (spectral_distance, log_spectral_distance):
        found = torch.stack([distance(reference + level * random, reference) for level in (0.0, 1e-3, 1e-2, 1e-1)])
        assert (found.diff(dim=0) > 0).all()


def test_log_spectral_distance_of_a_gain_is_the_gain_in_decibels():
    random = torch.randn(1, RATE, generator=torch.Generator().manual_seed(0)) * 0.1
    assert float(log_spectral_distance(random / 10, random)) == pytest.approx(20, abs=0.1)


def test_loudness_is_asked_only_while_the_note_sounds():
    sound = torch.cat([note(440.0)[: RATE // 2], torch.zeros(RATE // 2)]).unsqueeze(0)
    hum = torch.cat([note(440.0)[: RATE // 2], 0.1 * note(100.0)[: RATE // 2]]).unsqueeze(0)
    error, frames = loudness_error(hum, sound, RATE)
    assert int(frames) <= 36 and float(error / frames) < 2


def test_what_has_no_pitch_in_the_reference_is_not_asked():
    noise = 0.1 * torch.randn(1, RATE, generator=torch.Generator().manual_seed(0))
    found = compare(torch.stack([note(220.0), note(220.0)]), torch.cat([noise, note(220.0).unsqueeze(0)]), RATE)
    assert found["cents"]["whole"].tolist() == [0, 1]
    assert reduction("ratio")(found["cents"]) == 0
    assert found["voicing"]["part"][0] < found["voicing"]["whole"][0] / 5


def test_an_octave_is_the_most_that_a_pitch_can_be_off():
    found = compare(note(1000.0).unsqueeze(0), note(100.0).unsqueeze(0), RATE)
    assert found["cents"]["part"].tolist() == [1200]


def test_rows_are_scored_one_by_one_in_any_number(reference):
    many = reference.repeat(5, 1)
    random = many + 0.01 * torch.randn(many.shape, generator=torch.Generator().manual_seed(1))
    whole, last = compare(random, many, RATE), compare(random[-1:], many[-1:], RATE)
    for name in HIGHER_IS_BETTER:
        assert whole[name]["part"].shape == (20,)
        assert whole[name]["part"][-1] == pytest.approx(last[name]["part"][0], rel=1e-4, abs=1e-6)


def test_the_longer_one_is_cut(reference):
    longer = torch.cat([reference, torch.ones(4, 500)], 1)
    assert np.abs(compare(longer, reference, RATE)["mss"]["part"]).max() == 0


def test_as_metrics_of_a_task():
    found = metrics("toy")
    assert found[0].id == "toy.mss.v1" and not found[0].higher_is_better
    assert all(m.reduction in REDUCTIONS and m.id.split(".")[1] in HIGHER_IS_BETTER for m in found)
