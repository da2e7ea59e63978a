"""Rendered notes: envelope, velocity, filter, levels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmark.data.notes import RATE, render_note
from benchmark.data.soundfont import DRUMS, SoundFont, font
from benchmark.data.zones import Op

from .fontmaker import write_font
from .small_fonts import FLAT_LOOPED, SINE_HZ, SINE_LOOPED, one_zone


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
