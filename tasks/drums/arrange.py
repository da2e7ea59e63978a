"""Loops as sound: a drum kit, other drums, a band, a room, noise and gain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.data.notes import SilentZone, place, render_note, to_int16
from benchmark.data.room import in_a_room, noise
from benchmark.data.soundfont import SoundFont

from .features import MEL, RATE
from .patterns import OTHER, Stroke
from .sounds import DRUM_NAMES, HAT, Fold
from .voices import Voice, softened, voice

FRAMES = 432
"""Of a clip: 5.0 s."""
SAMPLES = FRAMES * MEL.hop
SECONDS = SAMPLES / RATE
CLEAR = 0.1
"""Seconds before the end of a clip without a new stroke."""
OTHERS = 4
"""Drums without a label in a synthetic kit."""
DECAY, DIRECT = (0.1, 0.8), (6.0, 22.0)
"""Of the room; see :func:`benchmark.data.room.reflections`."""
GAP = 0.06
"""Seconds between strokes of one drum, at least: closer ones are one stroke to the ear and to the scoring."""


def perform(
    font: SoundFont, fold: Fold, sampled: bool, strokes: Sequence[Stroke], rng: np.random.Generator
) -> tuple[np.ndarray, list[np.ndarray]]:
    """A clip and its truth, on the fold's drums of the font (`sampled`) or on drums that no other clip has.

    Returns
    -------
    audio : numpy.ndarray
        (SAMPLES,) int16 at 44.1 kHz.
    truth : list of numpy.ndarray
        For every label the times (seconds) at which its strokes begin to be heard, ascending.
    """
    if sampled:
        kit = [[voice(drum, rng, font, part[rng.integers(len(part))])] for drum, part in enumerate(fold.labelled)]
        kit.append([voice(OTHER, rng, font, sound) for sound in fold.others])
    else:
        kit = [[voice(drum, rng)] for drum in range(OTHER)]
        kit.append([voice(OTHER, rng) for _ in range(OTHERS)])
    drums, truth = _drums(kit, strokes, rng)
    mix = in_a_room(drums, RATE, DECAY, DIRECT, rng)
    loudness = np.sqrt(np.mean(mix**2)) + 1e-9
    if rng.random() < 0.5:
        band = _band(font, fold, rng)
        mix = mix + band * (loudness * 10 ** (rng.uniform(-20, -6) / 20) / (np.sqrt(np.mean(band**2)) + 1e-9))
    mix = mix + noise(SAMPLES, rng) * loudness * 10 ** (-rng.uniform(20, 50) / 20)
    return to_int16(mix * (10 ** (-rng.uniform(1, 18) / 20) / np.abs(mix).max())), truth


def _drums(
    kit: list[list[Voice]], strokes: Sequence[Stroke], rng: np.random.Generator
) -> tuple[np.ndarray, list[np.ndarray]]:
    track, hats = np.zeros(SAMPLES), np.zeros(SAMPLES)
    heard: list[list[float]] = [[] for _ in DRUM_NAMES]
    for stroke in strokes:
        voices = kit[stroke.drum]
        struck = voices[rng.integers(len(voices))]
        hit = struck.open if stroke.open else struck.closed
        begins = round(stroke.time * RATE) / RATE + hit.attack
        if begins > SECONDS - CLEAR:
            continue
        if stroke.drum != OTHER:
            if heard[stroke.drum] and begins - heard[stroke.drum][-1] < GAP:
                continue
            heard[stroke.drum].append(begins)
        if stroke.drum == HAT:
            # A stroke on the hat ends the ringing of the one before.
            hats[round(stroke.time * RATE) :] = 0
        wave = softened(hit.wave, stroke.gain)
        place(hats if stroke.drum == HAT else track, wave, stroke.time, rate=RATE)
    return track + hats, [np.array(times) for times in heard]


def _band(font: SoundFont, fold: Fold, rng: np.random.Generator) -> np.ndarray:
    """A bass line and held chords, not in time with the drums: (SAMPLES,)."""
    track = np.zeros(SAMPLES)
    root = int(rng.integers(12))
    pace = rng.uniform(0.25, 0.7)
    for start in np.arange(rng.uniform(0, pace), SECONDS - CLEAR, pace):
        if rng.random() < 0.8:
            key = 31 + (root + int(rng.choice([0, 0, 3, 5, 7, 10]))) % 12
            _sound(track, font, fold.bass, key, float(start), pace)
    for start in np.arange(0, SECONDS - CLEAR, 4 * pace):
        for step in (0, int(rng.choice([3, 4])), 7):
            _sound(track, font, fold.harmony, 52 + (root + step) % 12, float(start), 3.8 * pace, 0.6)
    return track


def _sound(
    track: np.ndarray, font: SoundFont, preset: int, key: int, start: float, held: float, gain: float = 1.0
) -> None:
    try:
        note = render_note(font, 0, preset, key, 100, held, held + 0.1, RATE)
    except SilentZone:
        return
    place(track, note, start, gain, RATE)
