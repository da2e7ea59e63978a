"""Players that are no recordings, and what lies between an instrument and the file."""

from __future__ import annotations

from dataclasses import replace

import librosa
import numpy as np
import pytest

from tasks.pitch import players, recordings, stage
from tasks.pitch.melody import Slide, Tone, Vibrato
from tasks.pitch.model import FRAME, RATE
from tasks.pitch.players import Player, player
from tasks.pitch.recordings import FRAMES, HOP

PLAIN = Player(1.0, (0.0,) * len(players.CORNERS), 0.0, 0.0, np.inf, 0.5, 0.005)
FADE = 0.015


def spectrum(audio: np.ndarray) -> np.ndarray:
    """dB of one second from 0.5 s on, a bin a Hz."""
    part = audio[RATE // 2 : RATE // 2 + RATE]
    return 20 * np.log10(np.abs(np.fft.rfft(part * np.hanning(RATE))) + 1e-9)


def played(who: Player, *tones: Tone) -> np.ndarray:
    return players.perform(who, tones, 0.0, FADE, np.random.default_rng(0))


def test_partials_fall_as_the_slope_says() -> None:
    found = spectrum(played(PLAIN, Tone(0.0, 2.5, 69, 127)))
    assert found[880] - found[440] == pytest.approx(-20 * np.log10(2), abs=0.1)
    assert found[1320] - found[440] == pytest.approx(-20 * np.log10(3), abs=0.1)


def test_even_partials_and_the_body_are_as_said() -> None:
    found = spectrum(played(replace(PLAIN, slope=0.0, even=15.0), Tone(0.0, 2.5, 69, 127)))
    assert found[880] - found[1320] == pytest.approx(-15, abs=0.1)
    body = tuple(-20.0 if corner < 500 else 0.0 for corner in players.CORNERS)
    found = spectrum(played(replace(PLAIN, slope=0.0, body=body), Tone(0.0, 2.5, 57, 127)))
    assert found[220] - found[1100] == pytest.approx(-20, abs=0.1)


def test_stiff_strings_have_stretched_partials_over_a_true_fundamental() -> None:
    stiffness = 4e-4
    found = spectrum(played(replace(PLAIN, slope=0.0, stiffness=stiffness), Tone(0.0, 2.5, 69, 127)))
    tenth = 4400 * np.sqrt((1 + 100 * stiffness) / (1 + stiffness))
    assert 400 + np.argmax(found[400:480]) == 440
    assert 4400 + np.argmax(found[4400:4700]) == pytest.approx(tenth, abs=1)


def test_plucked_sounds_decay_and_higher_partials_faster() -> None:
    audio = played(replace(PLAIN, decay=2.0, damping=1.0), Tone(0.0, 2.5, 69, 127))
    early, late = (spectrum(np.roll(audio, -shift)) for shift in (0, RATE // 2))
    assert late[440] - early[440] == pytest.approx(-15, abs=0.5)
    assert late[880] - early[880] == pytest.approx(-30, abs=0.5)


def test_nothing_is_above_half_the_rate_and_no_click_ends_a_tone() -> None:
    audio = played(PLAIN, Tone(0.0, 1.0, 88, 127))
    assert len(audio) == FRAMES * HOP
    assert np.abs(audio[RATE:]).max() == 0
    assert np.abs(audio[RATE - 20 : RATE]).max() < 0.1 * np.abs(audio).max()


def test_players_are_the_same_for_ever_and_differ() -> None:
    assert player(47) == player(47)
    assert len({player(number).body for number in range(40, 60)}) == 20
    assert player(46).decay < np.inf and player(46).stiffness > 0
    assert player(47).decay == np.inf and player(47).stiffness == 0


@pytest.mark.parametrize("number", [46, 47])
def test_an_independent_tracker_hears_the_curve_of_a_player(number: int) -> None:
    tones = (
        Tone(0.1, 1.2, 60, 110, slides=(Slide(0.3, 0.15, 400.0), Slide(0.7, 0.1, -200.0))),
        Tone(1.3, 2.5, 64, 100, vibrato=Vibrato(5.5, 60.0, 0.0, 1.0)),
    )
    audio = players.perform(player(number), tones, 30.0, FADE, np.random.default_rng(0))
    held, hertz = recordings.curve(tones, 30.0)
    heard, voiced, _ = librosa.pyin(audio, fmin=100, fmax=1000, sr=RATE, frame_length=FRAME, hop_length=HOP)
    both = held & voiced[:FRAMES]
    assert both.sum() > 0.7 * held.sum()
    assert (np.abs(1200 * np.log2(heard[:FRAMES][both] / hertz[both])) < 50).mean() > 0.95


def sine(hertz: float) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(FRAMES * HOP) / RATE)


def test_a_room_rings_after_the_sound_and_does_not_move_it() -> None:
    click = np.zeros(FRAMES * HOP)
    click[1000] = 1.0
    rooms = [stage.in_a_room(click, np.random.default_rng(seed)) for seed in range(20)]
    for heard in rooms:
        assert np.argmax(np.abs(heard)) == 1000
        tail = heard[1000 + round(0.02 * RATE) :]
        assert 0 < (tail**2).sum() < (heard**2).sum() * 0.5
        # 60 dB down after 0.6 s at most.
        assert np.abs(heard[1000 + round(0.7 * RATE) :]).max() < 1e-3


def test_rooms_colour_within_what_is_said() -> None:
    low, high = sine(250.0), sine(2500.0)
    ratios = []
    for seed in range(30):
        first, second = (stage.in_a_room(x, np.random.default_rng(seed)) for x in (low, high))
        ratios.append(20 * np.log10(first.std() / second.std()))
    assert 3 < np.std(ratios) < 8


@pytest.mark.parametrize(("kept", "range_"), [("NOISE", (0.0, 30.0)), ("BAND", (6.0, 30.0)), ("BREATH", (15.0, 45.0))])
def test_each_disturbance_is_as_far_below_as_it_says(
    kept: str, range_: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert getattr(stage, kept) == range_
    for name in ("NOISE", "BAND", "BREATH"):
        monkeypatch.setattr(stage, name, (12.0, 12.0) if name == kept else (200.0, 200.0))
    heard = sine(300.0)
    level = float(np.sqrt(np.mean(heard**2)))
    found = stage.disturbance(heard, level, 0.01 * sine(777.0), np.random.default_rng(3))
    assert 20 * np.log10(found.std() / level) == pytest.approx(-12, abs=0.3)


def test_breath_is_silent_where_the_instrument_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "NOISE", (200.0, 200.0))
    heard = sine(300.0)
    heard[RATE:] = 0
    found = stage.disturbance(heard, 0.7, np.zeros_like(heard), np.random.default_rng(3))
    assert found[: RATE // 2].std() > 1e3 * found[RATE + RATE // 10 :].std()


def test_silence_of_the_band_is_silence() -> None:
    silent = np.zeros(FRAMES * HOP)
    assert np.isfinite(stage.disturbance(sine(300.0), 0.7, silent, np.random.default_rng(0))).all()
