"""Frames of sounds that are known, and the frame nearest to a time."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from benchmark.data.logmel import LogMel

MEL = LogMel(32_000, hop=320, lowest=30.0, highest=15_000.0)
NOISE = np.random.default_rng(0).normal(size=16_000)


def test_every_band_hears_something_and_all_alike() -> None:
    assert MEL.filters.shape == (64, 1025)
    assert MEL.filters.sum(1) == pytest.approx(np.ones(64), abs=1e-5)


def test_frames_do_not_depend_on_gain() -> None:
    frames = MEL.frames(NOISE)
    assert frames.shape == (51, 64) and frames.dtype == np.float16
    assert np.abs(frames - MEL.frames(0.01 * NOISE)).max() < 0.01


@pytest.mark.parametrize("band", [10, 30, 60])
def test_a_sine_is_loudest_in_its_band(band: int) -> None:
    centre = librosa.mel_frequencies(66, fmin=MEL.lowest, fmax=MEL.highest)[1 + band]
    frames = MEL.frames(np.sin(2 * np.pi * centre * np.arange(16_000) / MEL.rate))
    assert (frames[5:-5].argmax(1) == band).all()


def test_a_click_is_loudest_in_the_frame_nearest_to_it() -> None:
    """Frame i is centred on sample `hop * i`."""
    audio = 1e-3 * NOISE
    at = 7000
    audio[at] = 10.0
    assert MEL.frames(audio).astype(float).sum(1).argmax() == MEL.nearest(np.array([at / MEL.rate]))[0] == 22


def test_times_are_rounded_to_frames() -> None:
    assert MEL.hop_seconds == 0.01
    assert MEL.nearest(np.array([0.0, 0.0049, 0.0051, 1.234])).tolist() == [0, 0, 1, 123]
    assert len(MEL.nearest(np.zeros(0))) == 0


def test_silence_is_zero() -> None:
    assert not MEL.frames(np.zeros(16_000)).any()
