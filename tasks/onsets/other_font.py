"""The test clips on :mod:`benchmark.data.second_font`, where that is installed: nobody trains on it.

FluidR3 (MIT licence) is recorded instruments in other rooms, most of them in several samples an octave. The parts are
those of the default font's test clips, by the same general MIDI programs and percussion keys.
"""

from __future__ import annotations

from benchmark.data.clips import Clip
from benchmark.data.second_font import second_font
from benchmark.data.soundfont import font

from . import rendered
from .sounds import FOLDS


def clips(seed: int, count: int) -> list[Clip]:
    """The first clips of the fold that the seed tests on; sources are numbered as on the default font."""
    return rendered.fold_clips(seed % FOLDS, count, font(second_font()))[0]
