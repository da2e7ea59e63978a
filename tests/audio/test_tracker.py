"""The tracker on sounds whose pitch is known, and beside librosa's YIN."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from benchmark.audio.tracker import HOP, WINDOW, cents, track

RATE = 16_000
TIME = np.arange(RATE) / RATE


def tone(hertz: float, partials: int = 10) -> np.ndarray:
    numbers = [k for k in range(1, partials + 1) if k * hertz < RATE / 2]
    return sum(np.sin(2 * np.pi * k * hertz * TIME) / k for k in numbers) * 0.3


@pytest.mark.parametrize("partials", [1, 10])
@pytest.mark.parametrize("hertz", [50.0, 73.4, 220.3, 440.0, 987.8, 1319.0])
def test_it_hears_a_steady_tone(hertz, partials):
    heard = track(tone(hertz, partials)[None], RATE)
    assert heard.voiced.all()
    assert np.abs(cents(heard.hertz, np.full(1, hertz))).max() < 12


def test_most_tones_are_heard_within_two_cents():
    hertz = 440 * 2 ** ((np.arange(38, 77) - 69) / 12)
    heard = track(np.stack([tone(f) for f in hertz]), RATE)
    assert np.median(np.abs(cents(heard.hertz, hertz[:, None]))) < 2


def test_a_missing_fundamental_and_a_strong_second_partial_are_no_octave_error():
    second = (
        0.05 * np.sin(2 * np.pi * 200 * TIME) + np.sin(2 * np.pi * 400 * TIME) + 0.5 * np.sin(2 * np.pi * 600 * TIME)
    )
    missing = np.sin(2 * np.pi * 600 * TIME) + np.sin(2 * np.pi * 800 * TIME) + np.sin(2 * np.pi * 1000 * TIME)
    heard = track(np.stack([second, missing]) * 0.2, RATE)
    assert np.abs(cents(heard.hertz, np.array([[200.0], [200.0]]))).max() < 5


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(0).normal(size=(4, RATE)) * 0.2
    assert track(noise, RATE).voiced.mean() < 0.02
    assert not track(np.zeros((1, RATE)), RATE).voiced.any()
    assert not track(tone(220)[None] * 1e-4, RATE).voiced.any()


def test_it_follows_a_glide_frame_by_frame():
    hertz = 200 * 2**TIME
    audio = np.sin(2 * np.pi * np.cumsum(hertz) / RATE) * 0.5
    heard = track(audio[None], RATE)
    # What is compared lies between the window and where it is moved to, a period later.
    middle = np.arange(heard.hertz.shape[1]) * HOP + WINDOW / 2 + RATE / heard.hertz[0] / 2
    assert np.abs(cents(heard.hertz[0], 200 * 2 ** (middle / RATE))).max() < 5


def test_it_agrees_with_librosas_yin():
    audio = np.stack([tone(f) for f in (98.0, 246.9, 523.3)])
    theirs = librosa.yin(audio, fmin=45, fmax=2000, sr=RATE, frame_length=2048, hop_length=HOP, center=False)
    mine = track(audio, RATE).hertz[:, : theirs.shape[1]]
    assert np.abs(cents(mine[:, :-2], theirs[:, : mine.shape[1] - 2])).max() < 8


def test_rows_do_not_matter_to_each_other():
    audio = np.stack([tone(150), tone(300)])
    both = track(audio, RATE)
    assert np.array_equal(both.hertz[1], track(audio[1:], RATE).hertz[0])


def test_too_short_a_sound_is_an_error():
    with pytest.raises(ValueError, match="too short to hear a pitch in"):
        track(np.zeros((1, 1000)), RATE)
