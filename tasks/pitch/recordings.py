"""Clips of a fold with the pitch of every frame: rendered once, kept as int16 audio.

The pitch is exact by construction: it is the curve that the renderer is given. A frame is voiced where, at its middle,
a tone is held and is not buried in what disturbs it (:mod:`.stage`); what has died away has no pitch to find, and what
the room still rings of is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmark.data import room, sources
from benchmark.data import tones as presets
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.notes import place, render_note, renderer_digest, resample, to_int16
from benchmark.data.soundfont import SoundFont
from benchmark.digest import digest_arrays, digest_json

from . import melody, players, sounds, stage
from .melody import SECONDS, Tone
from .model import RATE

RENDER_RATE = 32_000
HOP = 160
"""Samples between frames: 10 ms. Frame i is centred on sample i HOP."""
FRAMES = round(SECONDS * RATE) // HOP
DAMPED = 0.015
"""Seconds in which a tone is faded out at its end: the next one of the same player finds silence."""
LOUDNESS = 320
"""Samples around a frame's middle over which its loudness is taken: 20 ms, more than a period of the lowest tone."""
MASKED = 0.5
"""Where a tone has less than this part of the amplitude of all that disturbs it, it cannot be asked for."""


@dataclass(frozen=True)
class Clips:
    """Recordings and their pitch, end to end.

    Attributes
    ----------
    audio : np.ndarray
        (samples,) int16, 16 kHz; a clip is a whole number of hops long.
    hertz : np.ndarray
        (samples / HOP,) float32, the frequency in the middle of every frame, 0: no pitch, NaN: not asked for.
    lengths : np.ndarray
        (clips,) int64, frames.
    sources : np.ndarray
        (clips,) int64, numbers over all folds.
    """

    audio: np.ndarray
    hertz: np.ndarray
    lengths: np.ndarray
    sources: np.ndarray

    def first(self, count: int) -> Clips:
        """The first clips only."""
        return self.where(np.arange(len(self.lengths)) < count)

    def where(self, keep: np.ndarray) -> Clips:
        """The clips for which `keep` (clips,) is true."""
        frames = np.repeat(keep, self.lengths)
        return Clips(self.audio[np.repeat(frames, HOP)], self.hertz[frames], self.lengths[keep], self.sources[keep])

    def digest(self) -> str:
        """Sha256 of everything."""
        return digest_arrays([self.audio, self.hertz, self.lengths, self.sources])


def generator(font: SoundFont) -> str:
    """Digest of the code and the font that the clips come from."""
    code = generator_digest(melody, players, sounds, stage, room, sources, presets, Path(__file__))
    return digest_json([code, renderer_digest(font)])


def clips(font: SoundFont, fold: int, count: int) -> Clips:
    """The first `count` clips of a fold, from the cache where it has them."""
    spec = {"generator": generator(font), "rate": RATE, "fold": fold, "clips": count}
    return Clips(**cached_arrays("pitch", spec, lambda: _build(font, fold, count)))


def render(font: SoundFont, fold: int, index: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Audio (FRAMES * HOP,) int16, Hz (FRAMES,) float32 and source of a clip; of others only the dry sound counts.

    The clips that begin at a multiple of the number of sources have one source each: two of them bleed into this one.
    """
    rng = np.random.default_rng([1, fold, index])
    count = len(sounds.folds(font)[fold].numbers)
    player, first = index % count, index // count * count
    alone, held, hertz = dry(font, fold, index)
    heard = stage.in_a_room(alone, rng)
    others = rng.choice([i for i in range(count) if i != player], 2, replace=False)
    band = [np.roll(dry(font, fold, first + int(i))[0], rng.integers(len(alone))) for i in others]
    loud = loudness(heard)
    level = np.sqrt(np.mean(loud[held] ** 2))
    disturbed = stage.disturbance(heard, level, band[0] + band[1], rng)
    mix = heard + disturbed
    audio = to_int16(mix * (10 ** (-rng.uniform(1, 18) / 20) / np.abs(mix).max()))
    audible = loud > MASKED * np.sqrt(np.mean(disturbed**2))
    return audio, np.where(held & audible, hertz, 0.0).astype(np.float32), sounds.folds(font)[fold].numbers[player]


@lru_cache(maxsize=64)
def dry(font: SoundFont, fold: int, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A melody (FRAMES * HOP,) float32 without a room, and its `curve`."""
    rng = np.random.default_rng([0, fold, index])
    here = sounds.folds(font)[fold]
    turn, place = divmod(index, len(here.numbers))
    tuning = rng.uniform(-50, 50)
    if place >= len(here.sources):
        tones = melody.compose(*presets.KEYS, rng)
        who = players.player(here.numbers[place])
        return players.perform(who, tones, tuning, DAMPED, rng), *curve(tones, tuning)
    # Presets of a source take turns, so that no source is heard through one of its presets only.
    preset = here.sources[place][turn % len(here.sources[place])]
    tones = melody.compose(*sounds.keys(preset), rng)
    return perform(font, preset, tones, tuning), *curve(tones, tuning)


def perform(font: SoundFont, preset: int, tones: tuple[Tone, ...], tuning: float) -> np.ndarray:
    """(FRAMES * HOP,) float32 at 16 kHz: the tones on a preset, all of them `tuning` cents higher."""
    track = np.zeros(round(SECONDS * RENDER_RATE))
    for tone in tones:
        length = tone.end - tone.start
        time = np.arange(round(length * RENDER_RATE)) / RENDER_RATE
        key = sounds.struck(font, preset, tone.key)
        cents = tone.cents(time) + (100 * (tone.key - key) + tuning)
        note = render_note(font, 0, preset, key, tone.velocity, length, length, RENDER_RATE, cents)
        fade = np.clip((length - time) / DAMPED, 0, 1)
        place(track, note * fade, tone.start, 1.0, RENDER_RATE)
    return resample(track, RENDER_RATE, RATE)


def curve(tones: tuple[Tone, ...], tuning: float) -> tuple[np.ndarray, np.ndarray]:
    """Whether a tone is held (FRAMES,), and its pitch in Hz (FRAMES,), in the middle of every frame."""
    time = np.arange(FRAMES) * HOP / RATE
    held, hertz = np.zeros(FRAMES, bool), np.zeros(FRAMES)
    for tone in tones:
        here = (time >= tone.start) & (time < tone.end)
        cents = 100 * tone.key + tone.cents(time[here] - tone.start) + tuning
        held[here], hertz[here] = True, players.KEY_0 * 2 ** (cents / 1200)
    # Rounded, so that machines whose sines differ in the last bit agree.
    return held, hertz.round(3)


def loudness(audio: np.ndarray) -> np.ndarray:
    """(samples / HOP,) root mean square of LOUDNESS samples around the middle of every frame."""
    energy = np.cumsum(np.pad(audio.astype(np.float64) ** 2, (LOUDNESS // 2 + 1, LOUDNESS // 2)))
    start = np.arange(len(audio) // HOP) * HOP
    loud: np.ndarray = np.sqrt(np.maximum(energy[start + LOUDNESS] - energy[start], 0) / LOUDNESS)
    return loud


def _build(font: SoundFont, fold: int, count: int) -> dict[str, np.ndarray]:
    rendered = [render(font, fold, index) for index in range(count)]
    return {
        "audio": np.concatenate([audio for audio, *_ in rendered]),
        "hertz": np.concatenate([hertz for _, hertz, _ in rendered]),
        "lengths": np.full(count, FRAMES, np.int64),
        "sources": np.array([source for *_, source in rendered], np.int64),
    }
