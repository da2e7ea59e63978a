"""Single notes of the sounds of a font, rendered.

Notes vary as recordings do: key, velocity, length, tuning of up to 40 cents, a vibrato in half of them, a room, the
microphone's colour and noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmark.data import room as rooms
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.notes import RATE as RENDER_RATE
from benchmark.data.notes import render_note, renderer_digest, resample
from benchmark.data.soundfont import SoundFont
from benchmark.digest import digest_json

from . import clips, features, room, sounds
from .clips import Clips
from .features import RATE
from .sounds import Sound

SECONDS = 1.1
LATE = 0.05
"""Seconds before the note begins, at most."""
TUNING = 40.0
"""Cents, either way."""
PLACE = room.Room(direct=(6.0, 24.0), colour=2.0, noise=(20.0, 50.0))


def rendered(of: SoundFont, each: int) -> Mapping[str, np.ndarray]:
    """Clips of every sound of a font, from the cache where it has them.

    Returns
    -------
    Mapping
        `features` (clips, 64, 50) float16, `sounds` (clips,) int16, `labels` (clips,) uint8 and `sha256` (clips, 32)
        uint8 of the int16 audio.
    """
    spec = {"generator": generator(of), "each": each}
    return cached_arrays("classification-instruments", spec, lambda: _build(of, each))


def joined(several: Sequence[Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
    """Clips of several fonts, one after the other; the numbers of sounds go on."""
    if len(several) == 1:
        return several[0]
    before = np.cumsum([0, *(int(arrays["sounds"].max()) + 1 for arrays in several)])
    counted = [{**a, "sounds": a["sounds"] + np.int16(n)} for a, n in zip(several, before, strict=False)]
    return {name: np.concatenate([arrays[name] for arrays in counted]) for name in several[0]}


def render(of: SoundFont, sound: Sound, index: int) -> np.ndarray:
    """(samples,) int16 at 22,050 Hz: clip `index` of a sound; it does not depend on other clips."""
    rng = np.random.default_rng([_number(sound), index])
    key, velocity, zone = sounds.draw(sound, rng)
    samples = round(SECONDS * RENDER_RATE)
    cents = np.full(samples, rng.uniform(-TUNING, TUNING))
    if rng.random() < 0.5:
        time = np.arange(samples) / RENDER_RATE
        swell = np.clip((time - rng.uniform(0, 0.3)) / 0.2, 0, 1)
        vibrato = np.sin(2 * np.pi * (rng.uniform(4, 7) * time + rng.random()))
        cents += rng.uniform(5, 40) * swell * vibrato
    held = rng.uniform(0.4, 1.2)
    note = render_note(of, 0, sound.preset, key, velocity, held, SECONDS, RENDER_RATE, cents, zone)
    late = round(rng.uniform(0, LATE) * RENDER_RATE)
    return room.record(resample(np.pad(note, (late, 0))[:samples], RENDER_RATE, RATE), RATE, PLACE, rng)


def pick(arrays: Mapping[str, np.ndarray], chosen: Sequence[int]) -> Clips:
    """The clips of some sounds."""
    index = np.flatnonzero(np.isin(arrays["sounds"], chosen))
    labels, sources = arrays["labels"][index].tolist(), arrays["sounds"][index].tolist()
    return clips.side_of(arrays["features"], [[i] for i in index.tolist()], labels, sources)


def generator(of: SoundFont) -> str:
    """Digest of the code and the font that the clips come from."""
    code = generator_digest(sounds, room, rooms, features, Path(__file__))
    return digest_json([code, renderer_digest(of)])


def _build(of: SoundFont, each: int) -> dict[str, np.ndarray]:
    here = sounds.sounds(of)
    number = [s.label for s in here]
    which = [n for n, s in enumerate(here) for _ in range(max(1, round(each / number.count(s.label))))]
    patches, digests = [], []
    for place, n in enumerate(which):
        audio = render(of, here[n], place - which.index(n))
        digests.append(np.frombuffer(hashlib.sha256(audio.astype("<i2").tobytes()).digest(), np.uint8))
        patches.append(features.log_mel(audio.astype(np.float32) / 32768, RATE))
    return {
        "features": np.stack([patch for patch in patches if patch is not None]),
        "sounds": np.array(which, np.int16),
        "labels": np.array([here[n].label for n in which], np.uint8),
        "sha256": np.stack(digests),
    }


def _number(sound: Sound) -> int:
    return int.from_bytes(hashlib.sha256(sound.name.encode()).digest()[:4])
