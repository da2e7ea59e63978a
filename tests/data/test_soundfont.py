"""What the default font holds, and how generators of small fonts are merged."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.data import soundfont
from benchmark.data.soundfont import DRUMS, SoundFont, default_font, font
from benchmark.data.zones import Envelope, Op
from benchmark.errors import DataError

from .fontmaker import Sample, span, write_font

RAMP = np.arange(100, dtype=np.int16)


def load(tmp_path: Path, *args) -> SoundFont:
    path = tmp_path / "small.sf2"
    path.write_bytes(write_font(*args))
    return SoundFont(path)


def test_default_font_is_the_one_we_know():
    known = font()
    assert known.digest == "82475b91a76de15cb28a104707d3247ba932e228bada3f47bba63c6b31aaf7a1"
    assert len(known.presets) == 136
    assert [program for bank, program in known.presets if bank == 0] == list(range(128))
    assert [program for bank, program in known.presets if bank == DRUMS] == [0, 8, 16, 24, 25, 32, 40, 48]
    assert known.presets[0, 56] == "SoloTrumpet"
    assert sum(len(known.zones(*preset)) for preset in known.presets) == 2063
    assert font() is known


# Distinct samples in the instruments' playing ranges, counted by another reader.
@pytest.mark.parametrize(
    ("program", "low", "high", "samples"),
    [(70, 34, 72, 6), (71, 50, 89, 7), (43, 28, 55, 2), (73, 60, 93, 9), (60, 40, 74, 20), (68, 58, 88, 6),
     (58, 28, 55, 4), (57, 40, 72, 5), (56, 54, 84, 7), (41, 48, 84, 6), (42, 36, 72, 2), (40, 55, 96, 7)],
)  # fmt: skip
def test_samples_of_orchestral_instruments(program, low, high, samples):
    zones = [zone for zone in font().zones(0, program) if zone.keys[0] <= high and zone.keys[1] >= low]
    assert len({zone.sample for zone in zones}) == samples


def test_default_font_has_no_velocity_layers_and_kits_share_a_kick():
    known = font()
    assert {zone.velocities for preset in known.presets for zone in known.zones(*preset)} == {(0, 127)}
    (kick,) = known.match(DRUMS, 0, 36, 100)
    assert (kick.sample_name, kick.keys) == ("Bass Drum New", (36, 36))
    assert known.match(DRUMS, 32, 36, 100)[0].sample == kick.sample
    assert known.match(DRUMS, 25, 36, 100)[0].sample != kick.sample


def test_hats_exclude_each_other_and_the_kick_does_not():
    closed, foot, opened = (font().match(DRUMS, 0, key, 100)[0].exclusive for key in (42, 44, 46))
    assert closed == foot == opened != 0
    assert font().match(DRUMS, 0, 36, 100)[0].exclusive == 0


def test_default_font_is_found_without_importing_pretty_midi():
    code = (
        "import sys; from benchmark.data.soundfont import default_font; "
        "assert default_font().is_file(); assert 'pretty_midi' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_absent_font_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(soundfont, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'pretty_midi"):
        default_font()
    with pytest.raises(DataError, match=r"absent\.sf2 cannot be read: No such file"):
        SoundFont(tmp_path / "absent.sf2")


def test_unknown_preset_names_the_known():
    with pytest.raises(DataError, match=r"no preset \(bank 128, program 1\); it has programs \[0, 8, 16,"):
        font().zones(DRUMS, 1)


def test_defaults_of_a_bare_zone(tmp_path):
    small = load(
        tmp_path, [Sample(RAMP, rate=8000, key=72, correction=-7)], [[{Op.SAMPLE: 0}]], {(0, 3): [{Op.INSTRUMENT: 0}]}
    )
    (zone,) = small.zones(0, 3)
    assert small.presets == {(0, 3): "preset 0 3"}
    millisecond = 2.0**-10
    assert dataclasses.asdict(zone) == dataclasses.asdict(
        soundfont.Zone(
            sample=0, sample_name="sample 0", keys=(0, 127), velocities=(0, 127), start=0, end=100, loop=None,
            plays_out=False, rate=8000, root=72, tuning=-7, cents_per_key=100, fixed_key=None, fixed_velocity=None,
            attenuation=0, cutoff=None, resonance=0, exclusive=0,
            envelope=Envelope(millisecond, millisecond, millisecond, millisecond, 0, millisecond, 0, 0),
        )
    )  # fmt: skip
    assert (small.pool[zone.start : zone.end] == RAMP).all()


def test_preset_amounts_add_but_not_those_of_the_instrument_only(tmp_path):
    instrument = {Op.SAMPLE: 1, Op.ATTENUATION: 100, Op.TUNE_FINE: -20, Op.DECAY: 1200, Op.CUTOFF: 6900, Op.ROOT: 64,
                  Op.MODES: 1, Op.EXCLUSIVE: 3, Op.START: 2, Op.TUNE_COARSE: 1, Op.FIXED_KEY: 50}  # fmt: skip
    preset = {Op.INSTRUMENT: 0, Op.ATTENUATION: 50, Op.TUNE_FINE: 5, Op.DECAY: -1200, Op.CUTOFF: 1200, Op.ROOT: 1,
              Op.MODES: 3, Op.EXCLUSIVE: 3, Op.START: 9, Op.SUSTAIN: 30, Op.FIXED_KEY: 9}  # fmt: skip
    small = load(tmp_path, [Sample(RAMP), Sample(RAMP, loop=(10, 90))], [[instrument]], {(0, 0): [preset]})
    (zone,) = small.zones(0, 0)
    assert (zone.attenuation, zone.tuning, zone.envelope.sustain) == (15.0, 85, 3.0)
    assert (zone.envelope.decay, zone.cutoff) == (1.0, pytest.approx(880))
    assert (zone.root, zone.exclusive, zone.fixed_key) == (64, 3, 50)
    assert (zone.start, zone.end, zone.loop, zone.plays_out) == (102, 200, (110, 190), False)


def test_ranges_intersect_and_empty_ones_vanish(tmp_path):
    zones = [
        {Op.SAMPLE: 0, Op.KEYS: span(0, 59), Op.VELOCITIES: span(0, 63)},
        {Op.SAMPLE: 0, Op.KEYS: span(60, 127)},
        {Op.SAMPLE: 0, Op.KEYS: span(100, 127)},
    ]
    presets = {(0, 0): [{Op.INSTRUMENT: 0, Op.KEYS: span(50, 70), Op.VELOCITIES: span(40, 127)}]}
    small = load(tmp_path, [Sample(RAMP)], [zones], presets)
    assert [(z.keys, z.velocities) for z in small.zones(0, 0)] == [((50, 59), (40, 63)), ((60, 70), (40, 127))]
    assert [len(small.match(0, 0, *at)) for at in ((50, 40), (59, 63), (59, 64), (49, 50), (60, 127), (71, 99))] == [
        1, 1, 0, 0, 1, 0,
    ]  # fmt: skip


def test_global_zones_are_defaults_and_later_zones_without_a_sample_are_ignored(tmp_path):
    instrument = [
        {Op.ATTENUATION: 10, Op.TUNE_FINE: 7},
        {Op.SAMPLE: 0},
        {Op.ATTENUATION: 99},
        {Op.SAMPLE: 0, Op.ATTENUATION: 20},
    ]
    presets = {(0, 0): [{Op.TUNE_COARSE: 2}, {Op.INSTRUMENT: 0}, {Op.INSTRUMENT: 0, Op.TUNE_COARSE: -1}]}
    small = load(tmp_path, [Sample(RAMP)], [instrument], presets)
    assert [(z.attenuation, z.tuning) for z in small.zones(0, 0)] == [(1, 207), (2, 207), (1, -93), (2, -93)]


def test_rom_samples_are_left_out(tmp_path):
    small = load(
        tmp_path,
        [Sample(RAMP, kind=0x8001), Sample(RAMP)],
        [[{Op.SAMPLE: 0}, {Op.SAMPLE: 1}]],
        {(0, 0): [{Op.INSTRUMENT: 0}]},
    )
    assert [z.sample for z in small.zones(0, 0)] == [1]


def test_amounts_are_clamped_to_their_range(tmp_path):
    wild = {Op.SAMPLE: 0, Op.ATTACK: 30000, Op.DELAY: -32768, Op.ATTENUATION: -50, Op.TUNE_PER_KEY: 5000, Op.CUTOFF: 0}
    small = load(tmp_path, [Sample(RAMP)], [[wild]], {(0, 0): [{Op.INSTRUMENT: 0}]})
    (zone,) = small.zones(0, 0)
    assert (zone.envelope.attack, zone.envelope.delay) == (2.0 ** (8000 / 1200), 2.0**-10)
    assert (zone.attenuation, zone.cents_per_key, zone.cutoff) == (0, 1200, pytest.approx(440 * 2 ** (-5400 / 1200)))


@pytest.mark.parametrize("loop", [(10, 10), (10, 11), (20, 10), (10, 101), (90, 150)])
def test_a_loop_outside_the_sample_is_not_played(tmp_path, loop):
    samples = [Sample(RAMP, loop=loop), Sample(RAMP)]
    small = load(tmp_path, samples, [[{Op.SAMPLE: 0, Op.MODES: 3}]], {(0, 0): [{Op.INSTRUMENT: 0}]})
    (zone,) = small.zones(0, 0)
    assert zone.loop is None
    assert not zone.plays_out


@pytest.mark.parametrize(
    ("samples", "instrument", "preset", "match"),
    [
        ([Sample(RAMP)], {Op.SAMPLE: 1}, {Op.INSTRUMENT: 0}, r"preset \(0, 0\): a zone names sample 1 of 1"),
        ([Sample(RAMP)], {Op.SAMPLE: 0}, {Op.INSTRUMENT: 5}, "a zone names instrument 5 of 1"),
        ([Sample(RAMP)], {Op.SAMPLE: 0, Op.END: 1}, {Op.INSTRUMENT: 0}, "frames 0 to 101 of 100"),
        ([Sample(RAMP)], {Op.SAMPLE: 0, Op.START: -1}, {Op.INSTRUMENT: 0}, "frames -1 to 100 of 100"),
        ([Sample(RAMP, rate=0)], {Op.SAMPLE: 0}, {Op.INSTRUMENT: 0}, "at 0 Hz"),
    ],
)
def test_zones_that_point_nowhere_are_refused(tmp_path, samples, instrument, preset, match):
    small = load(tmp_path, samples, [[instrument]], {(0, 0): [preset]})
    with pytest.raises(DataError, match=match):
        small.zones(0, 0)
