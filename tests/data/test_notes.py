"""Rendered notes: pitch, loop, envelope, filter, levels, and the same int16 everywhere."""

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

from benchmark.data.notes import RATE, SilentZone, place, render_note, renderer_digest, resample, to_int16
from benchmark.data.soundfont import DRUMS, SoundFont, font
from benchmark.data.zones import Op
from benchmark.errors import DataError

from .fontmaker import Sample, write_font

PERIOD = 64
SINE = 16384 * np.sin(2 * np.pi * np.arange(10 * PERIOD) / PERIOD)
SINE_HZ = RATE / PERIOD
SINE_LOOPED = Sample(SINE, loop=(4 * PERIOD, 5 * PERIOD))
FLAT_LOOPED = Sample(np.full(64, 32767), loop=(0, 64))


def one_zone(tmp_path: Path, sample: Sample, amounts: dict[Op, int] | None = None, bank: int = 0) -> SoundFont:
    path = tmp_path / "small.sf2"
    path.write_bytes(write_font([sample], [[{Op.SAMPLE: 0, **(amounts or {})}]], {(bank, 0): [{Op.INSTRUMENT: 0}]}))
    return SoundFont(path)


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


# --- envelope, filter, levels


def test_envelope_has_the_times_and_levels_of_the_font(tmp_path):
    def timecents(seconds: float) -> int:
        return round(1200 * math.log2(seconds))

    times = {Op.DELAY: timecents(0.125), Op.ATTACK: timecents(0.25), Op.HOLD: timecents(0.125), Op.DECAY: timecents(2),
             Op.SUSTAIN: 200, Op.RELEASE: timecents(4), Op.MODES: 1}  # fmt: skip
    note = render_note(one_zone(tmp_path, FLAT_LOOPED, times), 0, 0, 60, 127, 1.5, 2.5) * 32768 / 32767

    def at(seconds: float) -> float:
        return float(note[round(seconds * RATE)])

    def decibels(seconds: float) -> float:
        return 20 * math.log10(at(seconds))

    assert at(0.1) == 0
    assert [at(t) for t in (0.1875, 0.25, 0.375, 0.45)] == pytest.approx([0.25, 0.5, 1, 1], abs=1e-4)
    assert [decibels(t) for t in (0.6, 0.8, 0.9, 1.4)] == pytest.approx([-5, -15, -20, -20], abs=0.01)
    assert [decibels(t) for t in (1.7, 1.9, 2.3)] == pytest.approx([-25, -30, -40], abs=0.01)


def test_note_off_during_the_attack_falls_from_there(tmp_path):
    amounts = {Op.ATTACK: 0, Op.RELEASE: 2400, Op.MODES: 1}
    note = render_note(one_zone(tmp_path, FLAT_LOOPED, amounts), 0, 0, 60, 127, 0.25, 1.0)
    assert note[RATE // 4] == pytest.approx(0.25, abs=0.002)
    assert (np.diff(note[RATE // 4 :]) < 0).all()
    assert 20 * math.log10(note[-1] / note[RATE // 4]) == pytest.approx(-100 * 0.75 / 4, abs=0.01)


def test_hold_and_decay_change_with_the_key(tmp_path):
    amounts = {Op.HOLD: -2400, Op.HOLD_PER_KEY: 100, Op.DECAY: 0, Op.DECAY_PER_KEY: 100, Op.SUSTAIN: 1000, Op.MODES: 1}
    small = one_zone(tmp_path, FLAT_LOOPED, amounts)
    for key, hold, decay in ((60, 0.25, 1.0), (48, 0.5, 2.0), (72, 0.125, 0.5)):
        note = render_note(small, 0, 0, key, 127, 3, 1.0)
        fall = 20 * math.log10(float(note[round((hold + 0.102) * RATE)]))
        assert note[round(hold * RATE)] > 0.999
        assert fall == pytest.approx(-10 / decay, abs=0.1)


@pytest.mark.parametrize("program", [0, 40, 56, 73])
def test_release_decays_and_never_clicks(program):
    note = render_note(font(), 0, program, 67, 100, 0.5, 2.5)
    rms = np.sqrt((note.reshape(25, -1) ** 2).mean(1))
    held = note[: RATE // 2]
    assert rms[-1] < rms[4] / 30
    assert (np.diff(rms[6:15]) < 0).all()
    assert np.abs(np.diff(note[RATE // 2 - 2 :])).max() < 1.2 * np.abs(np.diff(held)).max()


def test_velocity_and_attenuation(tmp_path):
    loud, soft = (
        render_note(one_zone(tmp_path, FLAT_LOOPED, {Op.MODES: 1}), 0, 0, 60, v, 1, 0.1)[-1] for v in (127, 64)
    )
    assert loud == pytest.approx(32767 / 32768)
    assert 20 * math.log10(soft / loud) == pytest.approx(40 * math.log10(64 / 127))
    damped = render_note(one_zone(tmp_path, FLAT_LOOPED, {Op.MODES: 1, Op.ATTENUATION: 250}), 0, 0, 60, 127, 1, 0.1)[-1]
    assert 20 * math.log10(damped / loud) == pytest.approx(-0.4 * 25)


def test_fixed_key_and_velocity_override(tmp_path):
    small = one_zone(tmp_path, SINE_LOOPED, {Op.MODES: 1, Op.FIXED_KEY: 60, Op.FIXED_VELOCITY: 127})
    np.testing.assert_array_equal(*(render_note(small, 0, 0, k, v, 1, 0.5) for k, v in ((40, 3), (90, 120))))


def test_zones_that_match_together_are_summed(tmp_path):
    path = tmp_path / "two.sf2"
    zone = {Op.MODES: 1, Op.ATTENUATION: 250}
    instrument = [{Op.SAMPLE: 0, **zone}, {Op.SAMPLE: 1, **zone}]
    path.write_bytes(write_font([SINE_LOOPED, FLAT_LOOPED], [instrument], {(0, 0): [{Op.INSTRUMENT: 0}]}))
    both = SoundFont(path)
    single = [render_note(both, 0, 0, 60, 90, 1, 0.2, zone=zone) for zone in both.zones(0, 0)]
    np.testing.assert_allclose(render_note(both, 0, 0, 60, 90, 1, 0.2), single[0] + single[1], atol=1e-6)


@pytest.mark.parametrize("key", [60, 72, 84])
def test_low_pass_is_a_second_order_butterworth(tmp_path, key):
    sine, corner = (math.tan(math.pi * hertz / RATE) for hertz in (SINE_HZ * 2 ** ((key - 60) / 12), 1000))
    wanted = -10 * math.log10(1 + (sine / corner) ** 4)
    opened = render_note(one_zone(tmp_path, SINE_LOOPED, {Op.MODES: 1}), 0, 0, key, 100, 1, 1.0)
    cutoff = 6900 + round(1200 * math.log2(1000 / 440))
    closed = render_note(one_zone(tmp_path, SINE_LOOPED, {Op.MODES: 1, Op.CUTOFF: cutoff}), 0, 0, key, 100, 1, 1.0)
    assert 20 * math.log10(closed[RATE // 2 :].std() / opened[RATE // 2 :].std()) == pytest.approx(wanted, abs=0.02)


def test_resonance_lifts_the_cutoff(tmp_path):
    cutoff = 6900 + round(1200 * math.log2(1000 / 440))
    flat, peaked = (
        render_note(
            one_zone(tmp_path, SINE_LOOPED, {Op.MODES: 1, Op.CUTOFF: cutoff, Op.RESONANCE: q}), 0, 0, 72, 100, 1, 1.0
        )
        for q in (0, 120)
    )
    assert 20 * math.log10(peaked[RATE // 2 :].std() / flat[RATE // 2 :].std()) == pytest.approx(12, abs=0.2)


@pytest.mark.parametrize("kit", [0, 8, 16, 24, 25, 32, 40, 48])
def test_levels_of_drums_are_plausible(kit):
    kick, snare, hat = (
        20 * math.log10(np.abs(render_note(font(), DRUMS, kit, k, 100, 0.5, 0.5)).max()) for k in (36, 38, 42)
    )
    assert -8 < snare - kick < 6
    # Through its static filter the hat of the standard kit would be near -22.
    assert -13 < hat - kick < 3


def test_only_melodic_banks_are_filtered(tmp_path):
    amounts = {Op.MODES: 1, Op.CUTOFF: 5000}
    drum, tone = (
        render_note(one_zone(tmp_path, SINE_LOOPED, amounts, bank=bank), bank, 0, 72, 100, 1, 0.5)[RATE // 4 :].std()
        for bank in (DRUMS, 0)
    )
    assert tone < drum / 10


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


# --- mixing and conversion


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
