"""Parts as sound: a leading voice, others beside it, a sustained background, drums, a room, noise and gain.

The truth is the time at which a note begins to be heard: its first sample over a tenth of the peak that it has in its
first quarter of a second, alone and dry. Bows and reeds take up to a tenth of a second from note-on to there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.data.notes import SilentZone, place, render_note, to_int16
from benchmark.data.room import in_a_room, noise
from benchmark.data.soundfont import DRUMS, SoundFont

from . import playing
from .features import MEL, RATE
from .playing import CLEAR, SECONDS, Note, Part
from .sounds import Source, drum_zone, keys

FRAMES = round(SECONDS * RATE) // MEL.hop
SAMPLES = FRAMES * MEL.hop
TAIL = 0.3
"""Seconds that a note may ring after its end."""
STROKE = 1.2
"""Seconds of a stroke on a drum."""
DECAY, DIRECT = (0.1, 1.0), (4.0, 20.0)
"""Of the room; see :func:`benchmark.data.room.reflections`."""
ATTACK, EARLY = 0.1, 0.25
"""Of the peak in so many seconds: where a note begins."""

Sound = tuple[np.ndarray, list[float]]
"""A voice's track (SAMPLES,) and the seconds at which its notes begin."""


def perform(
    font: SoundFont, lead: Source, others: Sequence[Source], kits: Sequence[Source], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A clip led by one source: audio (SAMPLES,) int16 and the seconds (n,) at which something begins, ascending.

    Parameters
    ----------
    lead
        Always heard.
    others, kits
        Of the same fold, without `lead`: who may play besides.
    """
    beat = playing.tempo(rng)
    voices = [(_strike if lead.drums else _play)(font, lead, beat, rng)]
    levels = [0.0]
    if rng.random() < 0.35:
        voices.append((_drone(font, _one(others, rng), rng), []))
        levels.append(rng.uniform(-14, -4))
    for share in (0.5, 0.3):
        if rng.random() < share:
            voices.append(_play(font, _one(others, rng), beat, rng))
            levels.append(rng.uniform(-6, 0))
    if rng.random() < 0.3 and not lead.drums:
        voices.append(_strike(font, _one(kits, rng), beat, rng))
        levels.append(rng.uniform(-6, 0))
    mix = np.sum([levelled(track, level) for (track, _), level in zip(voices, levels, strict=True)], 0)
    mix = in_a_room(mix, RATE, DECAY, DIRECT, rng)
    mix = mix + noise(SAMPLES, rng) * np.sqrt(np.mean(mix**2)) * 10 ** (-rng.uniform(20, 50) / 20)
    audio = to_int16(mix * (10 ** (-rng.uniform(1, 18) / 20) / np.abs(mix).max()))
    return audio, np.sort(np.array([time for _, times in voices for time in times], np.float64))


def begins(wave: np.ndarray) -> float:
    """Seconds up to where a note begins to be heard."""
    level = np.abs(wave)
    return int(np.argmax(level >= ATTACK * level[: round(EARLY * RATE)].max())) / RATE


def _one(sources: Sequence[Source], rng: np.random.Generator) -> Source:
    return sources[int(rng.integers(len(sources)))]


def _play(font: SoundFont, source: Source, beat: float, rng: np.random.Generator) -> Sound:
    preset = int(rng.choice(source.presets))
    detuned = float(rng.uniform(-30, 30))
    part = playing.play(*_range(preset, rng), beat, rng)
    return _sound(part, [pitched(font, preset, note, detuned) for note in part])


def _range(preset: int, rng: np.random.Generator) -> tuple[int, int]:
    """An octave and a half of the preset's keys."""
    lowest, highest = keys(preset)
    first = int(rng.integers(lowest, max(lowest + 1, highest - 17)))
    return first, min(first + 18, highest)


def _strike(font: SoundFont, source: Source, beat: float, rng: np.random.Generator) -> Sound:
    strokes = [_stroke(font, drum, rng) for drum in source.drums]
    part = playing.drums(len(strokes), beat, rng)
    return _sound(part, [strokes[note.key] for note in part])


def _sound(part: Part, waves: Sequence[np.ndarray]) -> Sound:
    track = np.zeros(SAMPLES)
    times = []
    for note, wave in zip(part, waves, strict=True):
        if not len(wave):
            continue
        time = round(note.start * RATE) / RATE + begins(wave)
        if time < SECONDS - CLEAR / 2:
            place(track, wave, note.start, note.gain, RATE)
            times.append(time)
    return track, times


def _drone(font: SoundFont, source: Source, rng: np.random.Generator) -> np.ndarray:
    """One to three keys that sound from before the clip's beginning to after its end."""
    preset, before = int(rng.choice(source.presets)), 0.6
    lowest, highest = _range(preset, rng)
    track = np.zeros(SAMPLES)
    for key in rng.integers(lowest, highest + 1, int(rng.integers(1, 4))).tolist():
        vibrato = (float(rng.uniform(0, 60)), float(rng.uniform(4, 7)))
        wave = pitched(font, preset, Note(0, SECONDS + before, key, vibrato=vibrato), 0.0)
        held = wave[round(before * RATE) :][:SAMPLES]
        track[: len(held)] += held
    return track


def pitched(font: SoundFont, preset: int, note: Note, detuned: float) -> np.ndarray:
    """A note from note-on, (samples,); where the preset has no such key, an octave off."""
    seconds = note.held + TAIL
    time = np.arange(round(seconds * RATE)) / RATE
    depth, rate = note.vibrato
    cents: float | np.ndarray = detuned
    if depth or note.glide:
        # Vibrato sets in after the attack, as players have it.
        swing = depth * np.sin(2 * np.pi * rate * time) * np.clip((time - 0.1) / 0.15, 0, 1)
        cents = detuned + swing + note.glide * np.clip(time / note.held, 0, 1)
    error: SilentZone | None = None
    for octave in (0, 12, -12, 24, -24):
        try:
            return render_note(font, 0, preset, note.key + octave, 100, note.held, seconds, RATE, cents)
        except SilentZone as silent:
            error = silent
    raise error or SilentZone(f"preset {preset} is silent")


def _stroke(font: SoundFont, drum: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A stroke on one drum as this clip has it, at a level and pitch of its own; nothing where the font has no such."""
    kit, key = drum
    zone = drum_zone(font, drum)
    cents = float(rng.uniform(-400, 400))
    try:
        wave = render_note(font, DRUMS, kit, key, 100, STROKE, STROKE, RATE, cents, zone=zone) if zone else np.zeros(0)
    except SilentZone:
        wave = np.zeros(0)
    return wave * (10 ** (rng.uniform(-8, 0) / 20) / np.abs(wave).max()) if len(wave) else wave


def levelled(audio: np.ndarray, decibels: float) -> np.ndarray:
    """At a loudness (RMS while something sounds) of so many decibels."""
    loud = audio[np.abs(audio) > 1e-4]
    return audio * (10 ** (decibels / 20) / np.sqrt(np.mean(loud**2))) if len(loud) else audio
