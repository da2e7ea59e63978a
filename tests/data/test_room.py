"""Rooms and noise measured: decay, energy, colour, and how often there is one."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.data.room import in_a_room, noise, reflections

RATE = 8000


def test_reflections_fall_by_60_db_in_the_decay() -> None:
    tails = [reflections(RATE, (0.5, 0.5), (0.0, 0.0), np.random.default_rng(seed)) for seed in range(200)]
    power = np.mean(np.square(tails), 0).reshape(20, -1).mean(1)
    # From the middle of the first twentieth to that of the last.
    assert 10 * np.log10(power[0] / power[-1]) == pytest.approx(60 * 19 / 20, abs=1.0)


@pytest.mark.parametrize("direct", [-3.0, 0.0, 20.0])
def test_reflections_have_the_energy_asked_for(direct: float) -> None:
    tail = reflections(RATE, (0.1, 0.8), (direct, direct), np.random.default_rng(0))
    assert len(tail) == 6400
    assert np.sum(tail**2) == pytest.approx(10 ** (-direct / 10))


def test_a_third_of_the_clips_stays_dry_and_no_room_sounds_before_the_sound() -> None:
    dry = np.zeros(RATE)
    dry[1000] = 1.0
    heard = [in_a_room(dry, RATE, (0.1, 0.5), (6.0, 22.0), np.random.default_rng(seed)) for seed in range(300)]
    share = np.mean([np.array_equal(one, dry) for one in heard])
    assert share == pytest.approx(1 / 3, abs=0.08)
    for one in heard:
        assert one.shape == dry.shape
        assert np.abs(one[:1000]).max() < 1e-12 and np.sum((one - dry) ** 2) <= 10**-0.6 + 1e-9


def test_noise_is_white_to_brown_of_rms_one() -> None:
    slopes = []
    for seed in range(50):
        made = noise(2 * RATE, np.random.default_rng(seed))
        assert made.shape == (2 * RATE,) and np.mean(made**2) == pytest.approx(1)
        power = np.abs(np.fft.rfft(made)) ** 2
        octaves = [np.log2(power[low : 2 * low].mean()) for low in (200, 400, 800, 1600, 3200)]
        slopes.append(np.polyfit(range(5), octaves, 1)[0])
    # Power that falls by 0 to 6 dB an octave.
    assert -2.2 < min(slopes) < -1.7 and -0.3 < max(slopes) < 0.2
