"""Rendered clips of a fold, made once and kept as frames.

A clip has a bar, a room and a drum kit of its own; the kit is synthetic, which no other clip has, or, in every eighth
clip, the fold's kit of the font. A *source* is a kit: the synthetic ones are sources of one clip, the font's clips in a
fold are one source, which weighs an eighth: where that kit is odd, the standard error shows it. A seed only chooses
which folds train, validate and test, so all seeds share one rendering.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmark.data import clips, logmel, room
from benchmark.data.cache import generator_digest
from benchmark.data.clips import Clip
from benchmark.data.notes import renderer_digest
from benchmark.data.soundfont import font
from benchmark.digest import digest_json

from . import arrange, features, patterns, sounds, synth, voices
from .features import MEL
from .sounds import FOLDS, SOUNDS

SAMPLED = 8
"""Every so many clips the font's kit plays."""


def generator() -> str:
    """Digest of the code and the font that the clips come from."""
    code = generator_digest(sounds, synth, patterns, voices, arrange, features, logmel, room, clips, Path(__file__))
    return digest_json([code, renderer_digest(font())])


def render(fold: int, index: int) -> tuple[np.ndarray, list[np.ndarray], int]:
    """Audio (SAMPLES,) int16, strokes of each drum and source of one clip; clips do not depend on others."""
    rng = np.random.default_rng([fold, index])
    sampled = index % SAMPLED == 0
    strokes = patterns.perform(patterns.bar(fold, FOLDS, rng), arrange.SECONDS, rng)
    audio, truth = arrange.perform(font(), SOUNDS[fold], sampled, strokes, rng)
    return audio, truth, fold if sampled else FOLDS * (1 + index) + fold


def fold_clips(fold: int, count: int) -> tuple[list[Clip], str]:
    """The first clips of a fold and the sha256 of their audio, from the cache where it has them."""
    spec = {"generator": generator(), "fold": fold}
    return clips.rendered("drums", spec, count, lambda index: render(fold, index), MEL)
