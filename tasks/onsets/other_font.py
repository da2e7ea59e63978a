"""The test clips on another font, where Debian's fluid-soundfont-gm is installed: nobody trains on it.

FluidR3 (MIT licence) is recorded instruments in other rooms, most of them in several samples an octave. The parts are
those of the default font's test clips, by the same general MIDI programs and percussion keys.
"""

from __future__ import annotations

from pathlib import Path

from benchmark.data.soundfont import font

from . import rendered
from .clips import Clip
from .sounds import FOLDS

PATH = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")


def clips(seed: int, count: int, path: Path = PATH) -> list[Clip]:
    """The first clips of the fold that the seed tests on; sources are numbered as on the default font."""
    return rendered.fold_clips(seed % FOLDS, count, font(path))[0]
