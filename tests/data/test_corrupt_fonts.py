"""A damaged or foreign file is a DataError of one line, whatever is wrong with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.data.notes import render_note
from benchmark.data.soundfont import SoundFont, default_font
from benchmark.data.zones import Op
from benchmark.errors import DataError

from .fontmaker import Sample, span, write_font


def small_font() -> bytes:
    wave = (8000 * np.sin(2 * np.pi * np.arange(64) / 16)).astype(np.int16)
    instruments = [
        [
            {Op.SUSTAIN: 100, Op.CUTOFF: 9000},
            {Op.SAMPLE: 0, Op.KEYS: span(0, 60), Op.MODES: 1, Op.HOLD_PER_KEY: 50},
            {Op.SAMPLE: 1, Op.KEYS: span(61, 127), Op.MODES: 3, Op.ROOT: 70},
        ],
        [{Op.SAMPLE: 1, Op.TUNE_COARSE: 3, Op.START: 4}],
    ]
    presets = {(0, 0): [{Op.INSTRUMENT: 0, Op.ATTENUATION: 30}], (128, 1): [{Op.INSTRUMENT: 1}, {Op.INSTRUMENT: 0}]}
    return write_font([Sample(wave, loop=(16, 48)), Sample(wave, loop=(0, 64))], instruments, presets)


def use(path: Path) -> str:
    """Load a file and render from all of it; 'sound', or the line of the error."""
    try:
        loaded = SoundFont(path)
        for bank, program in loaded.presets:
            for zone in loaded.zones(bank, program):
                render_note(loaded, bank, program, min(zone.keys[0], 127), 100, 0.01, 0.02, zone=zone)
    except DataError as error:
        return str(error)
    return "sound"


def with_size(content: bytes) -> bytes:
    """The same with a RIFF header that does not betray a cut."""
    return content[:4] + (len(content) - 8).to_bytes(4, "little") + content[8:]


def test_small_font_is_sound(tmp_path):
    path = tmp_path / "f.sf2"
    path.write_bytes(small_font())
    assert use(path) == "sound"


def test_every_truncation_is_refused(tmp_path):
    content, path = small_font(), tmp_path / "f.sf2"
    for length in range(len(content)):
        for cut in (content[:length], with_size(content[:length].ljust(8, b"\0"))):
            path.write_bytes(cut)
            line = use(path)
            assert line.startswith(f"sound font {path}: "), (length, line)
            assert "\n" not in line


def test_the_default_font_cut_anywhere_is_refused(tmp_path):
    content, path = default_font().read_bytes(), tmp_path / "f.sf2"
    for length in np.linspace(12, len(content) - 1, 12).astype(int).tolist():
        for cut in (content[:length], with_size(content[:length])):
            path.write_bytes(cut)
            with pytest.raises(DataError, match=r"truncated|runs past|is missing"):
                SoundFont(path)


@pytest.mark.parametrize("foreign", [b"", b"RIFF", b"RIFF\x04\0\0\0WAVE", b"ID3\x04" * 50, bytes(5000), b"\xff" * 5000])
def test_foreign_files_are_refused(tmp_path, foreign):
    path = tmp_path / "f.sf2"
    path.write_bytes(foreign)
    with pytest.raises(DataError, match="not a SoundFont 2 file"):
        SoundFont(path)


def test_changed_bytes_never_raise_anything_else(tmp_path):
    content, path = small_font(), tmp_path / "f.sf2"
    tables = content.index(b"phdr")
    random = np.random.default_rng(0)
    lines = set()
    for trial in range(1200):
        damaged = bytearray(content)
        first = tables if trial % 2 else 0
        for at in random.integers(first, len(content), random.integers(1, 9)):
            damaged[at] = random.choice([0, 1, 127, 128, 255, random.integers(256)])
        path.write_bytes(damaged)
        lines.add(use(path).removeprefix(f"sound font {path}").split(" names ")[0][:24])
    assert "sound" in lines
    assert len(lines) > 8, lines


def test_random_tables_behind_a_sound_header_are_refused_or_play(tmp_path):
    content, path = small_font(), tmp_path / "f.sf2"
    tables = content.index(b"phdr")
    random = np.random.default_rng(1)
    for _ in range(300):
        path.write_bytes(content[:tables] + random.bytes(len(content) - tables))
        assert use(path).startswith("sound font")
