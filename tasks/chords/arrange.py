"""Pieces as sound: chords in voicings and styles, a bass, a melody, drums, detuning, gain and noise.

No reverberation: the mixes are dry, and the leaderboard should not be read as robustness to rooms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.data.notes import SilentZone, place, render_note, resample, to_int16
from benchmark.data.soundfont import DRUMS, SoundFont

from .piece import FRAMES, HOP, HOP_SECONDS, RATE, Piece, Segment
from .sounds import Fold, drum_zone

RENDER_RATE = 32_000
TAIL = 0.25
"""Seconds that a note may ring after its end."""


@dataclass
class Stem:
    """One instrument's track; notes that come again are rendered once."""

    font: SoundFont
    preset: int
    cents: float

    def __post_init__(self) -> None:
        self.audio = np.zeros(round(FRAMES * HOP_SECONDS * RENDER_RATE))
        self._notes: dict[tuple[int, float], np.ndarray] = {}

    def play(self, key: int, start: float, length: float, gain: float = 1.0) -> None:
        """A note of `length` frames from frame `start`; where the preset has no such key, an octave off."""
        if start >= FRAMES or length <= 0:
            return
        if (key, length) not in self._notes:
            self._notes[key, length] = self._render(key, length * HOP_SECONDS)
        place(self.audio, self._notes[key, length], start * HOP_SECONDS, gain, RENDER_RATE)

    def _render(self, key: int, held: float) -> np.ndarray:
        error: SilentZone | None = None
        for octave in (0, -12, 12, -24, 24):
            try:
                return render_note(
                    self.font, 0, self.preset, key + octave, 100, held, held + TAIL, RENDER_RATE, self.cents
                )
            except SilentZone as silent:
                error = silent
        raise error or SilentZone(f"preset {self.preset} is silent")


def perform(
    font: SoundFont, sounds: Fold, presets: tuple[int, ...], piece: Piece, rng: np.random.Generator
) -> np.ndarray:
    """(FRAMES * HOP,) int16 at 22,050 Hz: the piece on one of `presets`, with a band from the fold's sounds."""
    cents = float(np.clip(rng.normal(0, 12), -30, 30))

    def stem(choices: tuple[int, ...]) -> Stem:
        return Stem(font, int(rng.choice(choices)), cents + rng.uniform(-6, 6))

    mix = _level(play_chords(stem(presets), piece, rng))
    if rng.random() < 0.75:
        mix += _level(_bass(stem(sounds.bass), piece, rng), rng.uniform(-6, 2))
    if rng.random() < 0.65:
        lead = stem(sounds.sources[rng.integers(len(sounds.sources))])
        mix += _level(_melody(lead, piece, rng), rng.uniform(-10, -1))
    if rng.random() < 0.65:
        mix += _level(_drums(font, sounds, piece, rng), rng.uniform(-14, -2))
    audio = resample(mix, RENDER_RATE, RATE)[: FRAMES * HOP]
    audio = audio + _noise(len(audio), rng) * np.sqrt(np.mean(audio**2)) * 10 ** (-rng.uniform(12, 38) / 20)
    return to_int16(audio * (10 ** (-rng.uniform(1, 18) / 20) / np.abs(audio).max()))


def _level(audio: np.ndarray, decibels: float = 0.0) -> np.ndarray:
    """At a loudness (RMS while something sounds) of so many decibels."""
    loud = audio[np.abs(audio) > 1e-4]
    return audio * (10 ** (decibels / 20) / np.sqrt(np.mean(loud**2))) if len(loud) else audio


def voicing(classes: tuple[int, ...], base: int, rng: np.random.Generator) -> list[int]:
    """Keys upwards from `base` in a random inversion, close or open, the lowest one doubled or not."""
    turn = int(rng.integers(len(classes)))
    keys: list[int] = []
    for pitch in classes[turn:] + classes[:turn]:
        lowest = keys[-1] + 1 if keys else base
        keys.append(lowest + (pitch - lowest) % 12)
    if rng.random() < 0.3:
        keys[1] += 12
    if rng.random() < 0.3:
        keys.append(keys[0] + 12)
    return keys


def play_chords(stem: Stem, piece: Piece, rng: np.random.Generator) -> np.ndarray:
    """The stem's audio with the piece's chords: held for two beats at a time, struck on each beat, or broken."""
    base = int(rng.integers(48, 60))
    style = rng.integers(3)
    length = 1.0 if rng.random() < 0.6 else 0.5
    for segment in piece.segments:
        if segment.chord is None:
            continue
        keys = voicing(segment.chord.pitch_classes, base, rng)
        if style == 2:
            _break(stem, segment, keys, piece.beat)
        else:
            step = piece.beat * (2 if style == 0 else 1)
            _strike(stem, segment, keys, step, 1.0 if style == 0 else length)
    return stem.audio


def _strike(stem: Stem, segment: Segment, keys: list[int], step: int, length: float) -> None:
    for start in range(segment.start, segment.end, step):
        for key in keys:
            stem.play(key, start, min(step, segment.end - start) * length)


def _break(stem: Stem, segment: Segment, keys: list[int], beat: int) -> None:
    for step, start in enumerate(np.arange(segment.start, segment.end, beat / 2)):
        stem.play(keys[step % len(keys)], start, segment.end - start)


def _bass(stem: Stem, piece: Piece, rng: np.random.Generator) -> np.ndarray:
    """Roots for the most part; other chord notes, fifths and passing notes too."""
    for segment in piece.segments:
        if segment.chord is None:
            continue
        classes = segment.chord.pitch_classes
        pitch = classes[0] if rng.random() < 0.7 else int(rng.choice(classes[1:]))
        key = 28 + (pitch - 28) % 12
        length = segment.end - segment.start
        if length > piece.beat and rng.random() < 0.4:
            stem.play(key, segment.start, length - piece.beat)
            stem.play(key + int(rng.choice([-2, -1, 1, 2, 7])), segment.end - piece.beat, piece.beat)
        else:
            stem.play(key, segment.start, length)
    return stem.audio


def _melody(stem: Stem, piece: Piece, rng: np.random.Generator) -> np.ndarray:
    """Chord notes and steps away from them; over a rest it mostly goes on alone."""
    key = int(rng.integers(67, 80))
    for segment in piece.segments:
        if segment.chord is None and rng.random() < 0.5:
            continue
        pace = piece.beat if rng.random() < 0.5 else piece.beat / 2
        for start in np.arange(segment.start, segment.end, pace):
            if segment.chord is not None and rng.random() < 0.55:
                key = 64 + (int(rng.choice(segment.chord.pitch_classes)) - 64) % 12 + 12 * int(rng.integers(2))
            else:
                key = int(np.clip(key + rng.choice([-2, -1, 1, 2, 3]), 62, 86))
            if rng.random() < 0.75:
                stem.play(key, start, min(pace, segment.end - start))
    return stem.audio


def _drums(font: SoundFont, sounds: Fold, piece: Piece, rng: np.random.Generator) -> np.ndarray:
    """A plain beat that goes on through rests."""
    audio = np.zeros(round(FRAMES * HOP_SECONDS * RENDER_RATE))
    low, mid, high = (
        render_note(font, DRUMS, kit, key, 100, 0.5, 0.5, RENDER_RATE, zone=drum_zone(font, kit, key))
        for kit, key in sounds.drums
    )
    low, mid, high = (hit / np.abs(hit).max() for hit in (low, mid, high))
    for step, start in enumerate(np.arange(0, FRAMES, piece.beat / 2)):
        place(audio, high, start * HOP_SECONDS, 0.3, RENDER_RATE)
        if step % 4 == 0 or rng.random() < 0.15:
            place(audio, low, start * HOP_SECONDS, 1.0, RENDER_RATE)
        if step % 4 == 2:
            place(audio, mid, start * HOP_SECONDS, 0.8, RENDER_RATE)
    return audio


def _noise(samples: int, rng: np.random.Generator) -> np.ndarray:
    """White to brown noise of RMS 1."""
    spectrum = np.fft.rfft(rng.normal(size=samples))
    spectrum *= np.maximum(np.arange(len(spectrum)), 100) ** -rng.uniform(0, 1)
    noise: np.ndarray = np.fft.irfft(spectrum, samples)
    noise /= np.sqrt(np.mean(noise**2))
    return noise
