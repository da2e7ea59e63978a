"""Rendered notes: pitch, loop, what is refused, and the same int16 everywhere."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmark.data.notes import RATE, SilentZone, render_note, renderer_digest, resample, to_int16
from benchmark.data.soundfont import font
from benchmark.data.zones import Op
from benchmark.errors import DataError

from .fontmaker import Sample
from .small_fonts import FLAT_LOOPED, PERIOD, SINE, SINE_HZ, SINE_LOOPED, one_zone


def measured_hz(audio: np.ndarray, rate: int, guess: float) -> float:
    """Fundamental by autocorrelation, its period refined over up to 20 periods with a parabola on the peak."""
    audio = audio - audio.mean()
    count = len(audio)
    energy = np.abs(np.fft.rfft(audio, 2 * count)) ** 2
    correlation = np.fft.irfft(energy)[:count] / (count - np.arange(count))
    period = rate / guess
    for periods in range(1, 21):
        centre, reach = round(periods * period), max(1, round(period / 10))
        if centre > 0.6 * count:
            break
        top = centre - reach + int(correlation[centre - reach : centre + reach + 1].argmax())
        a, b, c = correlation[top - 1 : top + 2]
        period = (top + (a - c) / (2 * (a - 2 * b + c))) / periods
    return rate / period


def cents_over_time(audio: np.ndarray, rate: int, centre: float) -> np.ndarray:
    """Instantaneous pitch of the fundamental against `centre` Hz, by the phase of the analytic signal around it.

    The outer eighths are faded for the transform, and left out.
    """
    edge = len(audio) // 8
    fade = np.hanning(2 * edge)
    window = np.concatenate([fade[:edge], np.ones(len(audio) - 2 * edge), fade[edge:]])
    spectrum = np.fft.fft(audio * window)
    hertz = np.fft.fftfreq(len(audio), 1 / rate)
    analytic = np.fft.ifft(np.where((hertz > 0.6 * centre) & (hertz < 1.5 * centre), spectrum, 0))[edge:-edge]
    return 1200 * np.log2(np.diff(np.unwrap(np.angle(analytic))) * rate / (2 * np.pi) / centre)


def curve(frames: int) -> np.ndarray:
    """Vibrato of 50 cents at 5.5 Hz on a glide of 100 cents a second."""
    time_ = np.arange(frames) / RATE
    return 50 * np.sin(2 * np.pi * 5.5 * time_) + 100 * time_


# --- pitch


@pytest.mark.parametrize("key", [24, 48, 60, 67, 72, 84])
@pytest.mark.parametrize("cents", [None, -31.7, 50.0])
def test_pitch_of_a_sine_is_exact(tmp_path, key, cents):
    note = render_note(one_zone(tmp_path, SINE_LOOPED, {Op.MODES: 1}), 0, 0, key, 100, 1, 1.0, cents=cents)
    wanted = SINE_HZ * 2 ** ((key - 60) / 12 + (cents or 0) / 1200)
    assert abs(1200 * math.log2(measured_hz(note, RATE, wanted) / wanted)) < 0.1


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
def test_pitch_does_not_depend_on_the_rate(tmp_path, rate):
    sample = Sample(SINE, loop=(4 * PERIOD, 5 * PERIOD), rate=22050, key=57, correction=-12)
    small = one_zone(tmp_path, sample, {Op.MODES: 1, Op.TUNE_COARSE: 1, Op.TUNE_FINE: 20, Op.TUNE_PER_KEY: 50})
    note = render_note(small, 0, 0, 63, 100, 1, 1.0, rate=rate)
    wanted = 22050 / PERIOD * 2 ** ((6 * 50 + 100 + 20 - 12) / 1200)
    assert len(note) == rate
    assert abs(1200 * math.log2(measured_hz(note, rate, wanted) / wanted)) < 0.1


# Within 5 cents, because the font's own samples are up to 4 off: its wavetable instruments are all 3 cents sharp.
@pytest.mark.parametrize("program", [0, 24, 40, 42, 43, 58, 70, 71, 80])
@pytest.mark.parametrize("key", [48, 60, 69])
def test_instruments_are_in_tune(program, key):
    wanted = 440 * 2 ** ((key - 69) / 12)
    plain, sharp = (
        measured_hz(render_note(font(), 0, program, key, 100, 1, 1.0, cents=cents)[8000:], RATE, wanted)
        for cents in (0.0, 37.0)
    )
    assert abs(1200 * math.log2(plain / wanted)) < 5
    assert 1200 * math.log2(sharp / plain) == pytest.approx(37, abs=0.5)


def test_a_constant_curve_is_the_same_as_a_number():
    number, drawn = (
        render_note(font(), 0, 56, 66, 100, 0.8, 1.0, cents=cents) for cents in (12.0, np.full(RATE, 12.0))
    )
    np.testing.assert_allclose(drawn, number, atol=2e-7)


def test_a_sine_follows_the_curve(tmp_path):
    bend = curve(2 * RATE)
    note = render_note(one_zone(tmp_path, SINE_LOOPED, {Op.MODES: 1}), 0, 0, 60, 100, 2, 2.0, cents=bend)
    error = cents_over_time(note, RATE, SINE_HZ) - bend[RATE // 4 + 1 : -RATE // 4]
    assert np.abs(error).max() < 1


@pytest.mark.parametrize(("program", "key"), [(40, 69), (42, 52), (58, 45), (70, 50), (71, 64), (73, 76)])
def test_instruments_follow_the_curve(program, key):
    bend = curve(2 * RATE)
    hertz = 440 * 2 ** ((key - 69) / 12)
    plain, bent = (
        cents_over_time(render_note(font(), 0, program, key, 100, 2, 2.0, cents=cents), RATE, hertz)
        for cents in (None, bend)
    )
    error = bent - np.median(plain) - bend[RATE // 4 + 1 : -RATE // 4]
    assert np.median(np.abs(error)) < 3
    assert np.percentile(np.abs(error), 95) < 15


# --- sample and loop


def test_a_looped_sine_never_ends_and_never_clicks(tmp_path):
    note = render_note(one_zone(tmp_path, SINE_LOOPED, {Op.MODES: 1}), 0, 0, 60, 127, 4, 3.0)[RATE // 2 :]
    ideal = 0.5 * np.sin(2 * np.pi * (np.arange(len(note)) + RATE // 2) / PERIOD)
    np.testing.assert_allclose(note, ideal, atol=1e-4)


def test_a_loop_sounds_to_the_last_sample_of_any_clip(tmp_path):
    """At half speed a clip can end between the loop's last frame and its first."""
    small = one_zone(tmp_path, FLAT_LOOPED, {Op.MODES: 1})
    for frames in range(100, 260):
        note = render_note(small, 0, 0, 48, 127, 1, frames / RATE)
        assert len(note) == frames
        assert note[-1] == pytest.approx(32767 / 32768)


@pytest.mark.parametrize("program", [40, 41, 42, 43, 57, 58, 70, 71])
def test_loops_of_instruments_do_not_click(program):
    (zone,) = font().match(0, program, 55, 100)
    note = render_note(font(), 0, program, 55, 127, 3, 2.0)
    speed = zone.rate / RATE * 2 ** (((55 - zone.root) * 100 + zone.tuning) / 1200)
    looped = round((zone.loop[0] - zone.start) / speed)
    jumps = np.abs(np.diff(note))
    level = np.array([np.abs(part).max() for part in (note[:looped], note[looped:])])
    assert 0 < looped < RATE / 2
    assert jumps[looped + RATE // 10 :].max() / level[1] < 1.6 * jumps[:looped].max() / level[0]


def test_a_one_shot_ends_in_silence(tmp_path):
    small = one_zone(tmp_path, Sample(np.full(3200, 20000)))
    note = render_note(small, 0, 0, 60, 127, 1, 0.5)
    assert note[3000] == pytest.approx(20000 / 32768, abs=1e-6)
    assert not note[3201:].any()
    octave_up = render_note(small, 0, 0, 72, 127, 1, 0.5)
    assert octave_up[1500] > 0.6
    assert not octave_up[1601:].any()


def test_mode_3_leaves_the_loop_at_note_off(tmp_path):
    body, rest = np.full(320, 1000), np.full(3200, 9000)
    sample = Sample(np.concatenate([body, rest]), loop=(160, 320))
    note = render_note(one_zone(tmp_path, sample, {Op.MODES: 3, Op.RELEASE: 8000}), 0, 0, 60, 127, 0.5, 1.0) * 32768
    held, after = note[64 : RATE // 2], note[RATE // 2 + 160 : RATE // 2 + 3200]
    assert held == pytest.approx(np.full(len(held), 1000.0), abs=0.1)
    assert (after > 8000).all()
    assert not note[RATE // 2 + 3200 + 161 :].any()


def test_a_forced_zone_sounds_outside_of_its_keys():
    low, high = font().zones(0, 42)[0], font().zones(0, 42)[-1]
    key = high.keys[1] + 1 if high.keys[1] < 127 else high.keys[0]
    assert not low.sounds(key, 100)
    forced = render_note(font(), 0, 42, 60, 100, 0.5, 0.5, zone=low)
    other = render_note(font(), 0, 42, 60, 100, 0.5, 0.5, zone=high)
    for note in (forced[8000:], other[8000:]):
        assert abs(1200 * math.log2(measured_hz(note, RATE, 261.63) / 261.63)) < 10
    assert np.abs(forced - other).max() > 0.01


# --- reproducible

# Each: as rendered at 32 kHz, and resampled to 16 kHz. If these change, all data change, and with them every result:
# then raise the version of every task that renders.
GOLDEN = {
    "0 0 60": ("b9311ec6ef8dcf54", "4fa1d301566ada07"),
    "0 42 50": ("abd42d05eb0b75aa", "6706e558d03ba269"),
    "0 56 66": ("8c695e5f381a56b6", "653fe82d0bc5a88d"),
    "0 26 45": ("7ea423b49de7bd55", "6fc5a2f32bb311d4"),
    "128 0 42": ("cc93209a6fb2e673", "686c1a391b9c6486"),
}


def golden_digests() -> dict[str, tuple[str, str]]:
    def short_digest(audio: np.ndarray) -> str:
        return hashlib.sha256(to_int16(audio).astype("<i2").tobytes()).hexdigest()[:16]

    digests = {}
    for name in GOLDEN:
        bank, program, key = map(int, name.split())
        note = render_note(font(), bank, program, key, 100, 0.4, 0.6, cents=curve(round(0.6 * RATE)))
        digests[name] = short_digest(note), short_digest(resample(note, RATE, 16000))
    return digests


def test_int16_is_the_same_as_ever():
    assert golden_digests() == GOLDEN


@pytest.mark.filterwarnings("ignore")
def test_int16_is_the_same_without_vector_instructions():
    code = f"import json; from {__name__} import golden_digests; print(json.dumps(golden_digests()))"
    # Names of NumPy 2.4 and of those before; each ignores with a warning what it does not know.
    features = "X86_V3 X86_V4 AVX2 FMA3 AVX512F AVX512_SKX"
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": features, "PYTHONWARNINGS": "ignore"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=root, env=environment
    )
    assert json.loads(done.stdout) == {name: list(digests) for name, digests in GOLDEN.items()}


def test_renderer_digest_depends_on_code_and_font(tmp_path):
    small = one_zone(tmp_path, SINE_LOOPED)
    assert renderer_digest(small) == renderer_digest(one_zone(tmp_path, SINE_LOOPED)) != renderer_digest(font())


# --- refused


def test_a_key_without_a_zone_is_refused():
    with pytest.raises(SilentZone, match=r"preset \(0, 65\) 'AltoSax.*' has no zone at key 64, velocity 100"):
        render_note(font(), 0, 65, 64, 100, 0.5, 0.5)
    with pytest.raises(SilentZone, match=r"'Oboe .*key 35"):
        render_note(font(), 0, 68, 35, 100, 0.5, 0.5)


def test_silence_is_refused(tmp_path):
    quiet = one_zone(tmp_path, Sample(np.full(64, 1), loop=(0, 64)), {Op.MODES: 1})
    with pytest.raises(SilentZone, match="sounds too softly at key 60, velocity 60"):
        render_note(quiet, 0, 0, 60, 60, 1, 0.5)
    late = one_zone(tmp_path, FLAT_LOOPED, {Op.MODES: 1, Op.DELAY: 1200})
    with pytest.raises(SilentZone, match="too softly"):
        render_note(late, 0, 0, 60, 127, 3, 1.0)
    assert render_note(late, 0, 0, 60, 127, 3, 2.5).any()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"key": 128}, "key 128 is not a MIDI key"),
        ({"key": 60.5}, "key 60.5 is not a MIDI key"),
        ({"velocity": 0}, "velocity 0"),
        ({"velocity": 128}, "velocity 128"),
        ({"held": 0}, "held for 0 s"),
        ({"held": float("nan")}, "held for nan s"),
        ({"seconds": 0}, "a clip of 0 s"),
        ({"seconds": 1e-6}, "a clip of 1e-06 s"),
        ({"seconds": float("inf")}, "a clip of inf s"),
        ({"seconds": float("nan")}, "a clip of nan s"),
        ({"rate": 0}, "at 0 Hz"),
        ({"cents": np.zeros(7)}, r"cents has shape \(7,\): give one number, or one for each of 16000 samples"),
        ({"cents": float("nan")}, "not finite"),
        ({"cents": 20000.0}, "over 256 times too fast"),
        ({"program": 128}, r"no preset \(bank 0, program 128\)"),
    ],
)
def test_bad_arguments_are_refused(change, match):
    good = {"bank": 0, "program": 0, "key": 60, "velocity": 100, "held": 0.4, "seconds": 0.5}
    with pytest.raises(DataError, match=match):
        render_note(font(), **{**good, **change})


@pytest.mark.long
def test_renders_300_clips_a_second():
    def burst() -> float:
        begin = time.process_time()
        for i in range(60):
            program, key = ((0, 60), (42, 50), (56, 66))[i % 3]
            note = render_note(font(), 0, program, key, 100, 0.8, 1.0, cents=float(i))
            to_int16(resample(note, RATE, 16000))
        return 60 / (time.process_time() - begin)

    burst()
    assert max(burst() for _ in range(3)) >= 300
