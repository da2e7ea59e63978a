"""A drum in one clip: a sample of the font or a synthetic drum, at a pitch, decay and colour of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.data.notes import render_note
from benchmark.data.soundfont import DRUMS, SoundFont

from . import synth
from .features import RATE
from .sounds import Sound
from .synth import RINGING

ATTACK = 0.1
"""Of the peak: where a sound begins. The font's drums take 1 to 8 ms from note-on to there."""
DETUNED = 500.0
"""Cents, up or down, of a sample."""
LAYERED = 0.5
"""Chance that a sample has a synthetic drum of its kind laid over it."""
LEVELS = ((-3, 3), (-5, 3), (-14, -3), (-12, -1))
"""dB of the loudest stroke of kicks, snares, hats and other drums."""
DECAYS = ((0.04, 0.25), (0.03, 0.2), (0.02, 0.1), (0.1, 1.0))
"""Seconds in which a stroke of them falls by 8.7 dB, beside its own decay."""
OPEN = 8
"""How much longer an open hat rings than a closed one."""
INAUDIBLE = 1e-4
"""Of the peak: what a stroke's end may be cut off below."""
DULLER = 0.5
"""How much of its highs the softest stroke lacks."""


@dataclass(frozen=True)
class Hit:
    """A stroke's sound."""

    wave: np.ndarray
    """(samples,) from note-on."""
    attack: float
    """Seconds from note-on to where it begins to be heard."""


@dataclass(frozen=True)
class Voice:
    """One drum in one clip; `open` matters for hats only."""

    closed: Hit
    open: Hit


def voice(drum: int, rng: np.random.Generator, font: SoundFont | None = None, sound: Sound | None = None) -> Voice:
    """A drum as a clip has it; without a font and a sound a synthetic one."""
    if font is None or sound is None:
        wave = synth.stroke(drum, rng)
    else:
        cents = sound.cents + rng.uniform(-DETUNED, DETUNED)
        note = render_note(font, DRUMS, sound.kit, sound.key, 100, RINGING, RINGING, RATE, cents, zone=sound.zone(font))
        wave = note.astype(np.float64)
        if rng.random() < LAYERED:
            first = round(attack(wave) * RATE)
            level = 2 ** rng.uniform(-2.5, 1) * np.abs(wave).max()
            wave[first:] += level * synth.stroke(drum, rng)[: len(wave) - first]
    wave = coloured(wave, rng.uniform(-0.5, 0.8))
    since = np.maximum(np.arange(len(wave)) / RATE - attack(wave), 0)
    decay = np.exp(rng.uniform(*np.log(DECAYS[drum])))
    gain = 10 ** (rng.uniform(*LEVELS[drum]) / 20)
    closed, ringing = (_hit(wave * np.exp(-since / (decay * longer)), gain) for longer in (1, OPEN))
    return Voice(closed, ringing)


def attack(wave: np.ndarray) -> float:
    """Seconds up to the first sample over a tenth of the peak."""
    level = np.abs(wave)
    return int(np.argmax(level >= ATTACK * level.max())) / RATE


def softened(wave: np.ndarray, loudness: float) -> np.ndarray:
    """A stroke of a loudness from 0 to 1: softer and duller."""
    return coloured(wave, DULLER * (loudness - 1)) * loudness


def coloured(wave: np.ndarray, amount: float) -> np.ndarray:
    """Duller (to -1) or brighter (above 0): what a one-pole filter at 2 kHz takes away, removed or added again."""
    from scipy.signal import lfilter

    pole = np.exp(-2 * np.pi * 2000 / RATE)
    result: np.ndarray = wave + amount * (wave - lfilter([1 - pole], [1, -pole], wave))
    return result


def _hit(wave: np.ndarray, gain: float) -> Hit:
    level = np.abs(wave)
    heard = int(np.flatnonzero(level >= INAUDIBLE * level.max())[-1]) + 1
    return Hit(wave[:heard] * (gain / level.max()), attack(wave))
