"""Single notes in the manner of NSynth: which sound, which pitch, how loud; split by source and by pitch.

Engel et al., "Neural audio synthesis of musical notes with WaveNet autoencoders", ICML 2017: 16 kHz, notes held for
three quarters of the clip, five velocities. A test note has a sound *and* a pitch that training has not: sources are
dealt into folds, and so are keys; fold `seed` tests, the next one validates, the others train.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.data import notes, sources
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.soundfont import SoundFont
from benchmark.data.splits import SIDES, Side
from benchmark.digest import digest_arrays, digest_json

RATE = 16_000
FOLDS = 5
"""Of sources, and of keys: key mod 5."""
HELD = 0.75
"""Of the clip, until the note is released."""
VELOCITIES = (25, 50, 75, 100, 127)
TUNING = 20.0
"""Cents, either way."""
QUIETEST = 20.0
"""dB under a velocity of 127 of what would have velocity 0: this font has no layers, so velocity is level."""

PRESETS = (
    *(0, 2, 4, 5, 6, 7, 10, 11, 12, 20, 24, 25, 26, 27, 29, 30, 32, 33, 34, 35, 36, 37, 40, 41, 42, 43, 44, 46, 49),
    *(50, 53, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 79, 80, 81, 105, 106),
    *(107, 108, 110, 111),
)
"""Those of the default font that sound the key that is asked for: within 15 cents by YIN."""
KEYS = (38, 88)
"""73 to 1,319 Hz."""
OWN_KEYS = {
    0: (38, 80), 2: (38, 78), 12: (50, 88), 36: (41, 88), 59: (50, 88), 67: (44, 76), 68: (38, 71), 72: (50, 88),
    74: (56, 88), 107: (38, 74),
}  # fmt: skip
"""Presets that are silent, hoarse or out of tune in a part of the range."""


@dataclass(frozen=True)
class Tones:
    """Notes of one side.

    Attributes
    ----------
    audio : np.ndarray
        (notes, samples) int16 at `RATE`; 32,768 is full scale.
    midi : np.ndarray
        (notes,) float64: pitch in semitones, 69 = 440 Hz, with its fraction.
    sources : np.ndarray
        (notes,) int64.
    """

    audio: np.ndarray
    midi: np.ndarray
    sources: np.ndarray

    @property
    def hertz(self) -> np.ndarray:
        """(notes,) fundamental."""
        pitch: np.ndarray = 440 * np.exp2((self.midi - 69) / 12)
        return pitch

    def digest(self) -> str:
        """Of all of it."""
        return digest_arrays([self.audio, self.midi, self.sources])


@dataclass(frozen=True)
class Sides:
    """Notes of all sides."""

    tones: Mapping[Side, Tones]
    digest: str
    """Of what they were made from: audio where it is rendered, files where it was recorded."""
    facts: Mapping[str, object]
    """What a manifest says of them, JSON-ready."""


@dataclass(frozen=True)
class Dealt:
    """Which fold is on which side; the same for sources and for keys."""

    seed: int

    def side(self, fold: int) -> Side:
        """Of a source's or a key's fold."""
        step = (fold - self.seed) % FOLDS
        return "test" if step == 0 else "validation" if step == 1 else "train"

    def keys(self, side: Side, lowest: int, highest: int) -> list[int]:
        """The keys of a side in a range, both ends included."""
        return [key for key in range(lowest, highest + 1) if self.side(key % FOLDS) == side]


def rendered(font: SoundFont, seconds: float, counts: Mapping[Side, int], seed: int) -> Sides:
    """Notes of a font by side, from the cache where it has them.

    Parameters
    ----------
    font
        With the presets of General MIDI.
    seconds
        Length of every note.
    counts
        About how many notes of each side; every source of it has as many.
    seed
        Which fold tests. The same arguments give the same int16 in any process.
    """
    dealt, groups = Dealt(seed % FOLDS), sources.joined(font, PRESETS)
    sides: dict[Side, Tones] = {}
    facts: dict[str, object] = {"font": font.digest}
    for side in SIDES:
        numbers = [n for n in range(len(groups)) if dealt.side(n % FOLDS) == side]
        each = -(-counts[side] // len(numbers))
        spec = {"generator": generator(font), "seconds": seconds, "each": each, "seed": dealt.seed, "side": side}

        def build(numbers: Sequence[int] = numbers, each: int = each, side: Side = side) -> dict[str, np.ndarray]:
            drawn = [
                draw(font, groups[n], n, index, seconds, dealt, side) for n in numbers for index in range(each)
            ]  # fmt: skip
            return {"audio": np.stack([audio for audio, _ in drawn]), "midi": np.array([midi for _, midi in drawn])}

        arrays = cached_arrays("tones", spec, build)
        sides[side] = Tones(arrays["audio"], arrays["midi"], np.repeat(np.array(numbers, np.int64), each))
        facts[side] = {"notes": len(arrays["midi"]), "presets": [list(groups[n]) for n in numbers]}
    return Sides(sides, digest_json({side: sides[side].digest() for side in SIDES}), facts)


def draw(
    font: SoundFont, presets: Sequence[int], source: int, index: int, seconds: float, dealt: Dealt, side: Side
) -> tuple[np.ndarray, float]:
    """Note `index` of a source on a side: (samples,) int16, and its pitch in semitones; other notes do not matter."""
    rng = np.random.default_rng([dealt.seed, SIDES.index(side), source, index])
    preset = int(rng.choice(presets))
    keys = dealt.keys(side, *OWN_KEYS.get(preset, KEYS))
    for key in rng.permutation(keys).tolist():
        cents, velocity = float(rng.uniform(-TUNING, TUNING)), int(rng.choice(VELOCITIES))
        try:
            return note(font, preset, key, velocity, cents, seconds), key + cents / 100
        except notes.SilentZone:
            continue  # A hole of the font: another key.
    raise notes.SilentZone(f"preset {preset} of {font.path} sounds no key of {side}")


def note(font: SoundFont, preset: int, key: int, velocity: int, cents: float, seconds: float) -> np.ndarray:
    """(samples,) int16: one note, whose peak is at 1 dB below full scale for velocity 127."""
    audio = notes.render_note(font, 0, preset, key, 100, HELD * seconds, seconds, notes.RATE, cents)
    sound = notes.resample(audio, notes.RATE, RATE).astype(np.float64)
    peak = 10 ** (-(1 + QUIETEST * (1 - velocity / 127)) / 20)
    return notes.to_int16(sound * (peak / np.abs(sound).max()))


def generator(font: SoundFont) -> str:
    """Digest of the code and the font that rendered notes come from."""
    return digest_json([generator_digest(Path(__file__), sources), notes.renderer_digest(font)])


def shuffled(names: Sequence[str]) -> list[str]:
    """Names in an order that has nothing of them, the same everywhere."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
