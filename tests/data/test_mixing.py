"""Notes added into a track, other sampling rates, and samples of 16 bits."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.data.notes import place, resample, to_int16
from benchmark.errors import DataError


def test_place_adds_in_time():
    track, note = np.zeros(100, np.float32), np.ones(30, np.float32)
    place(track, note, 0.02, gain=0.5, rate=1000)
    place(track, note, 0.0404, rate=1000)
    place(track, note, 0.09, rate=1000)
    wanted = np.zeros(100)
    wanted[20:50] += 0.5
    wanted[40:70] += 1
    wanted[90:] += 1
    np.testing.assert_array_equal(track, wanted)


@pytest.mark.parametrize("start", [-0.01, 0.1, float("nan"), float("inf")])
def test_place_refuses_what_is_outside(start):
    with pytest.raises(DataError, match=r"outside of a track of 0\.1 s"):
        place(np.zeros(100), np.ones(3), start, rate=1000)


@pytest.mark.parametrize(
    ("rate", "to"), [(32000, 16000), (44100, 16000), (44100, 22050), (32000, 22050), (16000, 32000)]
)
def test_resample_keeps_a_tone_and_its_length(rate, to):
    tone = np.sin(2 * np.pi * 1000 * np.arange(rate + 7) / rate).astype(np.float32)
    changed = resample(tone, rate, to)
    assert changed.dtype == np.float32
    assert len(changed) == round((rate + 7) * to / rate)
    ideal = np.sin(2 * np.pi * 1000 * np.arange(len(changed)) / to)
    np.testing.assert_allclose(changed[1000:-1000], ideal[1000:-1000], atol=1e-5)


def test_resample_removes_what_would_alias():
    tone = np.sin(2 * np.pi * 9000 * np.arange(32000) / 32000)
    assert np.abs(resample(tone, 32000, 16000)[1000:-1000]).max() < 1e-5


def test_to_int16_rounds_and_clips():
    steps = np.array([0, 0.4, 0.5, 0.6, 1.5, -0.6, 32767, 32768, 1e9, -32768, -1e9]) / 32768
    np.testing.assert_array_equal(to_int16(steps), [0, 0, 0, 1, 2, -1, 32767, 32767, 32767, -32768, -32768])
    whole = np.arange(-32768, 32768)
    np.testing.assert_array_equal(to_int16((whole / 32768).astype(np.float32)), whole)
    with pytest.raises(DataError, match="not numbers"):
        to_int16(np.array([0.0, np.nan]))
