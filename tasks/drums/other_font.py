"""Loops on the kits of :mod:`benchmark.data.second_font`, where that is installed: nobody trains on them.

FluidR3's kits (MIT licence) are recorded drums, in layers of velocity of which one is heard here. Kicks and snares
differ from kit to kit; but for the TR-808 all play one set of hats, so its score for hats is about few hats, and an
interval over kits is too narrow.
"""

from __future__ import annotations

import numpy as np

from benchmark.data.clips import Clip, framed
from benchmark.data.second_font import second_font
from benchmark.data.soundfont import DRUMS, SoundFont, font

from . import arrange, patterns
from .features import MEL
from .sounds import FOLDS, Fold, Sound

BRUSHES_END = 48
"""Kits from this number on are orchestral or no drum kits."""
CLIPS = 4
"""Of a kit."""


def kit(program: int) -> Fold:
    """The drums of a kit, every layer that their key plays."""
    return Fold(
        kicks=(Sound("", program, 36),),
        snares=(Sound("", program, 38), Sound("", program, 40)),
        hats=(Sound("", program, 42), Sound("", program, 46)),
        others=tuple(Sound("", program, key) for key in (37, 43, 47, 49, 51, 56)),
        bass=33,
        harmony=0,
    )


def programs(found: SoundFont) -> list[int]:
    """The kits that have kick, snare and hat."""
    return [program for bank, program in found.presets if bank == DRUMS and program < BRUSHES_END]


def clips(seed: int) -> list[Clip]:
    """Clips of every kit, with bars of the fold that the seed tests on; the source is the kit."""
    other = font(second_font())
    return [_clip(other, program, seed % FOLDS, index) for program in programs(other) for index in range(CLIPS)]


def _clip(found: SoundFont, program: int, fold: int, index: int) -> Clip:
    rng = np.random.default_rng([fold, program, index])
    strokes = patterns.perform(patterns.bar(fold, FOLDS, rng), arrange.SECONDS, rng)
    audio, truth = arrange.perform(found, kit(program), True, strokes, rng)
    return framed((audio, truth, program), MEL)
