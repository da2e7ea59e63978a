"""Ten ways to use a voice, as curves that a synthesiser follows.

Each follows a description of the real thing, named beside it. The ranges overlap on purpose, as singers do: a shallow
vibrato is nearly straight, a strong one nearly a trill, a soft belt nearly a modal tone.

[Ha] J. Hakes, T. Shipp, E. Doherty, "Acoustic characteristics of vocal oscillations: vibrato, exaggerated vibrato,
trill, and trillo", J. Voice 1, 1988. [Su] J. Sundberg, "The Science of the Singing Voice", 1987. [Kl] D. and L. Klatt,
"Analysis, synthesis, and perception of voice quality variations among female and male talkers", JASA 87, 1990. [Bl]
M. Blomgren et al., "Acoustic, aerodynamic, physiologic, and perceptual properties of modal and vocal fry registers",
JASA 103, 1998. [Ti] I. Titze, "Voice training and therapy with a semi-occluded vocal tract", JSLHR 49, 2006. [Or]
R. Orlikoff, R. Baken, D. Kraus, "Acoustic and physiologic characteristics of inspiratory phonation", JASA 102, 1997.
[Be] J. Sundberg, P. Gramming, J. LoVetri, "Comparisons of pharynx, source, formant, and pressure characteristics in
operatic and musical theatre singing", J. Voice 7, 1993. [Sp] D. Klatt, JASA 67, 1980.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .singers import VOWELS, Singer
from .tract import FRAME

RATE = 44_100
SECONDS = 1.3


@dataclass(frozen=True)
class Voice:
    """What a clip's synthesiser follows; arrays are (samples,)."""

    key: np.ndarray
    """Pitch, MIDI."""
    level: np.ndarray
    """Of the voice, linear."""
    formants: np.ndarray
    """(5,) or (frames, 5) Hz."""
    rd: float
    jitter: float
    shimmer: float
    breath: np.ndarray
    """Of aspiration, linear, relative to a voice of level 1."""
    hiss: np.ndarray
    """Of noise made in the mouth, which does not go through the tract; linear."""
    widths: float = 1.0
    """Of the bandwidths."""
    doubled: float = 0.0
    """How much weaker every second pulse is, 0 to 1: a subharmonic."""
    ring: float = 0.0
    """dB of the singer's formant."""
    lips: np.ndarray | None = None
    """Gain of lips that open and close."""
    reversed: bool = False
    """Air flows inwards."""


Technique = Callable[[Voice, Singer, np.random.Generator, np.ndarray], Voice]


def perform(technique: str, of: Singer, rng: np.random.Generator) -> Voice:
    """A clip of a singer, 1.3 s at 44.1 kHz."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    return TECHNIQUES[technique](_modal(of, rng, time), of, rng, time)


def _modal(of: Singer, rng: np.random.Generator, time: np.ndarray) -> Voice:
    """A tone or, in half of the clips, two, on a vowel, in an ordinary voice."""
    key = rng.uniform(*of.range) + _drift(rng, time, 8)
    if rng.random() < 0.5:
        leap = rng.choice([-7, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 7])
        key = key + leap * _ease((time - rng.uniform(0.2, 0.9)) / rng.uniform(0.04, 0.12))
    level = _ease(time / rng.uniform(0.02, 0.15)) * (1 + rng.uniform(-0.4, 0.4) * (time / SECONDS - 0.5))
    return Voice(
        key=np.clip(key, of.range[0] - 1, of.range[1] + 3),
        level=level,
        formants=of.formants(str(rng.choice(list(VOWELS)))) * rng.normal(1, 0.02, 5),
        rd=of.rd * 2 ** rng.normal(0, 0.2),
        jitter=of.jitter,
        shimmer=of.shimmer,
        breath=np.full_like(time, _linear(of.breath + rng.normal(0, 3))),
        hiss=np.zeros_like(time),
        ring=max(0.0, of.ring + rng.normal(0, 2)),
    )


def _straight(voice: Voice, of: Singer, rng: np.random.Generator, time: np.ndarray) -> Voice:
    """No regular oscillation beyond what a held tone has [Ha]: at most 18 cents."""
    return replace(voice, key=voice.key + rng.uniform(0, 0.18) * _swing(rng.normal(of.vibrato, 0.6), rng, time))


def _vibrato(voice: Voice, of: Singer, rng: np.random.Generator, time: np.ndarray) -> Voice:
    """5 to 7 times a second, half a semitone to a whole one either way, with the level in step [Ha, Su]."""
    begins = rng.uniform(0, 0.35)
    wave = _swing(of.vibrato + rng.normal(0, 0.2), rng, time) * _ease((time - begins) / 0.25)
    extent = of.extent / 100 * rng.uniform(0.5, 1.2)
    level = voice.level * (1 + rng.uniform(0, 0.25) * np.roll(wave, int(rng.integers(4000))))
    return replace(voice, key=voice.key + extent * wave, level=level)


def _breathy(voice: Voice, of: Singer, rng: np.random.Generator, time: np.ndarray) -> Voice:
    """A lax pulse with a strong fundamental, wide first formants and aspiration [Kl]."""
    return replace(
        voice,
        rd=max(voice.rd, 1.2) + rng.uniform(0.3, 1.3),
        breath=np.full_like(time, _linear(rng.uniform(-20, -6))),
        widths=rng.uniform(1.2, 2.0),
        ring=0.4 * voice.ring,
        key=voice.key + rng.uniform(0, 0.15) * _swing(of.vibrato, rng, time),
    )


def _vocal_fry(voice: Voice, of: Singer, rng: np.random.Generator, time: np.ndarray) -> Voice:
    """20 to 80 pulses a second whatever the register, irregular, often in pairs, each dying away [Bl]."""
    return replace(
        voice,
        key=69 + 12 * np.log2(rng.uniform(22, 80) / 440) + _drift(rng, time, 150),
        rd=rng.uniform(0.3, 0.9),
        jitter=rng.uniform(0.04, 0.18),
        shimmer=rng.uniform(0.1, 0.4),
        doubled=float(rng.choice([0.0, rng.uniform(0.2, 0.7)])),
        ring=0.3 * voice.ring,
    )


def _lip_trill(voice: Voice, of: Singer, rng: np.random.Generator, time: np.ndarray) -> Voice:
    """Lips that flap 15 to 35 times a second before a tract that is nearly shut: a low first formant [Ti]."""
    flapping = 69 + 12 * np.log2(rng.uniform(15, 35) / 440) + _drift(rng, time, 100)
    phase = np.cumsum(440 * 2 ** ((flapping - 69) / 12)) / RATE
    shut = 0.5 - 0.5 * np.cos(2 * np.pi * (phase + rng.random()))
    depth = rng.uniform(0.5, 0.97)
    formants = voice.formants * np.array([1, rng.uniform(0.7, 1), 1, 1, 1])
    formants[0] = rng.uniform(180, 330)
    burst = _linear(rng.uniform(-40, -22)) * (1 - shut) ** 4
    return replace(
        voice,
        formants=formants,
        widths=rng.uniform(1.3, 2.5),
        lips=1 - depth * shut ** rng.uniform(0.6, 2.0),
        hiss=burst,
        ring=0.0,
        rd=voice.rd + rng.uniform(0.0, 0.6),
    )


def _trill(voice: Voice, of: Singer, rng: np.random.Generator, time: np.ndarray) -> Voice:
    """To and fro between two notes, a semitone or a whole tone apart, from the lower one up [Ha]."""
    wave = _swing(rng.uniform(4.2, 7.2), rng, time)
    square = np.tanh(rng.uniform(0.7, 3.0) * wave) / np.tanh(3.0)
    apart = rng.choice([1.0, 2.0]) * rng.uniform(0.8, 1.25)
    return replace(voice, key=voice.key + apart * 0.5 * (1 + square))


def _trillo(voice: Voice, of: Singer, rng: np.random.Generator, time: np.ndarray) -> Voice:
    """One note struck again and again, 4 to 12 times a second, by closing and opening the glottis [Ha].

    Breath passes between the strokes, and the pitch gives a little.
    """
    rate = np.linspace(rng.uniform(4, 9), rng.uniform(5, 12), len(time))
    stroke = 0.5 - 0.5 * np.cos(2 * np.pi * (np.cumsum(rate) / RATE + rng.random()))
    gate = stroke ** rng.uniform(0.7, 2.5)
    depth = rng.uniform(0.6, 1.0)
    return replace(
        voice,
        level=voice.level * (1 - depth * (1 - gate)),
        key=voice.key - rng.uniform(0.1, 0.8) * (1 - gate),
        breath=voice.breath + _linear(rng.uniform(-36, -18)) * (1 - gate),
    )


def _inhaled(voice: Voice, of: Singer, rng: np.random.Generator, time: np.ndarray) -> Voice:
    """Air drawn in through a voice: higher, rough, with turbulence in the mouth, and soon out of breath [Or]."""
    fade = 1 - rng.uniform(0.2, 0.9) * _ease((time - rng.uniform(0.2, 0.7)) / rng.uniform(0.3, 0.8))
    return replace(
        voice,
        key=voice.key + rng.uniform(0, 7) + _drift(rng, time, 60),
        level=voice.level * fade * (1 + rng.uniform(0, 0.5) * _rough(rng, time)),
        formants=voice.formants * rng.uniform(1.0, 1.12),
        jitter=rng.uniform(0.01, 0.05),
        shimmer=rng.uniform(0.05, 0.3),
        rd=rng.uniform(0.8, 2.2),
        breath=np.full_like(time, _linear(rng.uniform(-20, -4))),
        hiss=_linear(rng.uniform(-40, -20)) * fade,
        ring=0.0,
        reversed=True,
    )


def _belt(voice: Voice, of: Singer, rng: np.random.Generator, time: np.ndarray) -> Voice:
    """Loud and pressed, in the middle and above, the first formant raised towards the second partial [Be]."""
    middle = rng.uniform(0.4, 0.95)
    key = voice.key - voice.key.mean() + of.range[0] + middle * (of.range[1] - of.range[0])
    formants = voice.formants.copy()
    second = 2 * 440 * 2 ** ((key.mean() - 69) / 12)
    formants[0] = np.clip(second, 1.05 * formants[0], 1.6 * formants[0])
    late = _ease((time - rng.uniform(0.4, 1.2)) / 0.3)
    return replace(
        voice,
        key=key + rng.uniform(0, 0.5) * late * _swing(of.vibrato, rng, time),
        formants=formants,
        rd=rng.uniform(0.3, 0.85),
        breath=voice.breath * 0.5,
        ring=0.5 * voice.ring,
        widths=rng.uniform(0.7, 1.1),
    )


def _spoken(voice: Voice, of: Singer, rng: np.random.Generator, time: np.ndarray) -> Voice:
    """Syllables: formants that never rest, a pitch that falls over the phrase, fricatives and stops between [Sp]."""
    key = of.speech + rng.uniform(-2, 5) - rng.uniform(0, 6) * time / SECONDS + _drift(rng, time, 120)
    frames = -(-len(time) // FRAME)
    formants = np.tile(of.formants(str(rng.choice(list(VOWELS)))), (frames, 1))
    level, hiss = np.ones_like(time), np.zeros_like(time)
    moment = np.arange(frames) * FRAME / RATE
    now = rng.uniform(0.05, 0.2)
    while now < SECONDS:
        target = of.formants(str(rng.choice(list(VOWELS))))
        formants += _ease((moment - now) / rng.uniform(0.04, 0.12))[:, None] * (target - formants)
        key = key + rng.normal(0, 1.2) * np.exp(-(((time - now) / 0.12) ** 2))
        length = rng.uniform(0.03, 0.11)
        consonant = np.exp(-(((time - now) / length * 2) ** 4))
        level *= 1 - rng.uniform(0.3, 1) * consonant
        if rng.random() < 0.5:
            hiss += _linear(rng.uniform(-32, -14)) * consonant
        now += length + rng.uniform(0.08, 0.25)
    return replace(
        voice, key=key, formants=formants, level=voice.level * level, hiss=hiss, ring=0.3 * voice.ring,
        jitter=2 * voice.jitter, rd=voice.rd + rng.uniform(-0.1, 0.5),
    )  # fmt: skip


TECHNIQUES: dict[str, Technique] = {
    "vibrato": _vibrato,
    "straight": _straight,
    "breathy": _breathy,
    "vocal_fry": _vocal_fry,
    "lip_trill": _lip_trill,
    "trill": _trill,
    "trillo": _trillo,
    "inhaled": _inhaled,
    "belt": _belt,
    "spoken": _spoken,
}
"""The classes, in the order of the authors' code."""


def _linear(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _ease(x: np.ndarray) -> np.ndarray:
    """From 0 to 1 without a corner."""
    eased: np.ndarray = 0.5 - 0.5 * np.cos(np.pi * np.clip(x, 0, 1))
    return eased


def _swing(hertz: float, rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """A sine whose rate wavers by a few percent."""
    wavering = hertz * (1 + 0.05 * np.sin(2 * np.pi * (rng.uniform(0.5, 1.5) * time + rng.random())))
    wave: np.ndarray = np.sin(2 * np.pi * (np.cumsum(wavering) / RATE + rng.random()))
    return wave


def _drift(rng: np.random.Generator, time: np.ndarray, cents: float) -> np.ndarray:
    """Semitones of a slow, aimless wandering with that standard deviation in cents."""
    knots = rng.normal(0, cents / 100, 8)
    wandering: np.ndarray = np.interp(time, np.linspace(0, SECONDS, 8), knots)
    return wandering


def _rough(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """Fast, aimless, -1 to 1."""
    rough: np.ndarray = np.interp(time, np.linspace(0, SECONDS, 60), rng.uniform(-1, 1, 60))
    return rough
