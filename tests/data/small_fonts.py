"""Fonts of one zone whose sound is known: a sine in a loop, and a constant."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmark.data.notes import RATE
from benchmark.data.soundfont import SoundFont
from benchmark.data.zones import Op

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
