"""Clips of synthetic singers in ten techniques, and their splits by singer.

Every clip: a glottal source that follows the technique's curves, with jitter and shimmer pulse by pulse and with
aspiration while the glottis is open, through the singer's tract, into a room and a microphone. No real voice is in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmark.data import notes
from benchmark.data import room as rooms
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.notes import resample
from benchmark.digest import digest_json
from benchmark.task import Data, Profile

from . import clips, features, glottis, room, singers, techniques, tract
from .clips import SIDES, Clips, Side
from .features import RATE
from .singers import WIDTHS, Singer
from .techniques import TECHNIQUES, Voice

CLASSES = tuple(TECHNIQUES)
SINGERS = {"smoke": 15, "quick": 450, "full": 1200}
"""Each sings every technique once."""
FOLDS = 3
VALIDATION = 6
"""One of so many singers who do not test validates."""
RING = 2900.0
"""Hz of the singer's formant of a man."""
PLACE = room.Room(direct=(0.0, 18.0), colour=3.0, noise=(12.0, 40.0))


def load(home: Path | None, profile: Profile, seed: int) -> Data:
    """Three splits; no singer is on two sides."""
    arrays = sung(SINGERS[profile])
    sides = [assign(int(number), seed) for number in arrays["singers"]]
    parts = {side: _pick(arrays, np.array([where == side for where in sides])) for side in SIDES}
    digests = dict(enumerate(bytes(row).hex() for row in arrays["sha256"]))
    manifest = {
        "classes": list(CLASSES),
        "generator": generator(),
        "missing": [],
        "splits": {
            side: {
                **clips.counts(parts[side], CLASSES),
                "singers": f"numbers n below {SINGERS[profile]} with {_rule(side, seed)}",
            }
            for side in SIDES
        },
    }
    code = generator_digest(Path(features.__file__))
    digest = digest_json({"features": code, "content": {s: clips.content(parts[s], digests) for s in SIDES}})
    return Data(parts["train"], parts["validation"], parts["test"], digest, manifest)


def assign(singer: int, seed: int) -> Side:
    """The side of a singer: every third tests, another third for each of three seeds; some of the others validate."""
    if singer % FOLDS == seed % FOLDS:
        return "test"
    return "validation" if singer // FOLDS % VALIDATION == 0 else "train"


def _rule(side: Side, seed: int) -> str:
    rules = {"test": "=", "validation": "!=", "train": "!="}
    further = {"test": "", "validation": f" and n // {FOLDS} mod {VALIDATION} = 0"}
    return f"n mod {FOLDS} {rules[side]} {seed % FOLDS}" + further.get(side, f" and n // {FOLDS} mod {VALIDATION} != 0")


def sung(count: int) -> Mapping[str, np.ndarray]:
    """Clips of the first singers, from the cache where it has them.

    Returns
    -------
    Mapping
        `features` (clips, 64, 50) float16, `singers` (clips,) int16, `labels` (clips,) uint8 and `sha256` (clips, 32)
        uint8 of the int16 audio.
    """
    return cached_arrays("classification-singing", {"generator": generator(), "singers": count}, lambda: _build(count))


def render(number: int, technique: str) -> np.ndarray:
    """(samples,) int16 at 22,050 Hz: a singer's clip of a technique; it does not depend on other clips."""
    rng = np.random.default_rng([2, number, CLASSES.index(technique)])
    of = singers.singer(number)
    voice = techniques.perform(technique, of, rng)
    sound = resample(synthesise(voice, of, rng), techniques.RATE, RATE)
    return room.record(sound, RATE, PLACE, rng)


def synthesise(voice: Voice, of: Singer, rng: np.random.Generator) -> np.ndarray:
    """(samples,) at 44.1 kHz: what leaves the lips."""
    rate = techniques.RATE
    hertz = 440 * 2 ** ((voice.key - 69) / 12)
    most = int(hertz.max() * len(hertz) / rate) + 2
    # A period longer or shorter by chance is a frequency lower or higher for its time.
    number = (np.cumsum(hertz) / rate).astype(np.int64)
    hertz = hertz * np.exp(voice.jitter * rng.normal(size=most + 1))[number]
    strength = np.maximum(0.05, 1 + voice.shimmer * rng.normal(size=2 * most))
    strength[::2] *= 1 - voice.doubled
    source = glottis.pulses(hertz, voice.rd, strength, rate) * voice.level
    source *= 1 / np.sqrt(np.mean(source**2))
    aspiration = rng.normal(size=len(source)) * voice.breath * (0.3 + glottis.openness(hertz, rate))
    source = (-source if voice.reversed else source) + aspiration
    heard = tract.speak(source, voice.formants, np.array(WIDTHS) * of.widths * voice.widths, rate)
    heard = tract.ring(heard, RING * of.scale, voice.ring, rate)
    if voice.lips is not None:
        heard = heard * voice.lips
    level = np.sqrt(np.mean(heard**2))
    hiss = np.diff(rng.normal(size=len(heard) + 1)) * voice.hiss
    return np.asarray(heard / level + hiss)


def generator() -> str:
    """Digest of the code that the clips come from."""
    return generator_digest(
        singers, techniques, glottis, tract, room, rooms, features, Path(notes.__file__), Path(__file__)
    )


def _build(count: int) -> dict[str, np.ndarray]:
    which = [(number, technique) for number in range(count) for technique in CLASSES]
    patches, digests = [], []
    for number, technique in which:
        audio = render(number, technique)
        digests.append(np.frombuffer(hashlib.sha256(audio.astype("<i2").tobytes()).digest(), np.uint8))
        patches.append(features.log_mel(audio.astype(np.float32) / 32768, RATE))
    return {
        "features": np.stack([patch for patch in patches if patch is not None]),
        "singers": np.array([number for number, _ in which], np.int16),
        "labels": np.array([CLASSES.index(technique) for _, technique in which], np.uint8),
        "sha256": np.stack(digests),
    }


def _pick(arrays: Mapping[str, np.ndarray], held: np.ndarray) -> Clips:
    index = np.flatnonzero(held)
    labels, sources = arrays["labels"][index].tolist(), arrays["singers"][index].tolist()
    return clips.side_of(arrays["features"], [[i] for i in index.tolist()], labels, sources)
