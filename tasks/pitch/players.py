"""Players that are no recordings: sums of partials, each player with a spectrum, a decay and a stiffness of its own.

The font has few sources, and little of what makes pitch hard to hear: weak or missing fundamentals, spectra with one
strong partial, stiff strings. Inharmonicity as in Fletcher, "Normal vibration frequencies of a stiff piano string",
JASA 36(1), 1964.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .melody import SECONDS, Tone
from .model import RATE

PARTIALS = 32
CORNERS = np.array((60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3840.0, 7680.0))
"""Hz between which a player's body is interpolated."""
KEY_0 = 440 * 2 ** (-69 / 12)
"""Hz."""


@dataclass(frozen=True)
class Player:
    """What makes the sound of one player."""

    slope: float
    """Amplitude of partial k is k to minus this, before the body."""
    body: tuple[float, ...]
    """dB at `CORNERS`."""
    even: float
    """dB by which even partials are softer: closed pipes, strings plucked in the middle."""
    stiffness: float
    """B of f_k = k f_1 sqrt((1 + B k^2) / (1 + B))."""
    decay: float
    """Seconds until the first partial is 60 dB down; infinite: as long as it is held."""
    damping: float
    """How much faster partial k decays: k to this."""
    attack: float
    """Seconds."""


def player(number: int) -> Player:
    """The player of that number, the same for ever; every other one is plucked."""
    rng = np.random.default_rng([2, number])
    plucked = number % 2 == 0
    return Player(
        slope=rng.uniform(0.3, 1.8),
        body=tuple(rng.uniform(-20, 10, len(CORNERS)).tolist()),
        even=rng.uniform(0, 20) if rng.random() < 0.3 else 0.0,
        stiffness=10 ** rng.uniform(-5, -3.2) if plucked else 0.0,
        decay=rng.uniform(0.5, 6) if plucked else np.inf,
        damping=rng.uniform(0.2, 1.0),
        attack=rng.uniform(0.001, 0.005) if plucked else rng.uniform(0.01, 0.06),
    )


def perform(who: Player, tones: tuple[Tone, ...], tuning: float, fade: float, rng: np.random.Generator) -> np.ndarray:
    """(SECONDS * RATE,) float32: the tones as that player sounds, `tuning` cents higher, faded out in `fade` s."""
    track = np.zeros(round(SECONDS * RATE))
    for tone in tones:
        time = np.arange(round((tone.end - tone.start) * RATE)) / RATE
        hertz = KEY_0 * np.exp2((100 * tone.key + tone.cents(time) + tuning) / 1200)
        swell = np.clip(time / who.attack, 0, 1) * np.clip((tone.end - tone.start - time) / fade, 0, 1)
        start = round(tone.start * RATE)
        note = _partials(who, hertz, time, rng) * swell * (tone.velocity / 127) ** 2
        track[start : start + len(note)] += note[: len(track) - start]
    return track.astype(np.float32)


def _partials(who: Player, hertz: np.ndarray, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    phase = np.cumsum(hertz) * (2 * np.pi / RATE)
    middle = float(np.median(hertz))
    sound = np.zeros(len(hertz))
    for k in range(1, PARTIALS + 1):
        stretch = k * np.sqrt((1 + who.stiffness * k**2) / (1 + who.stiffness))
        if stretch * hertz.max() >= RATE / 2:
            break
        body = np.interp(np.log(stretch * middle), np.log(CORNERS), who.body)
        level = k**-who.slope * 10 ** ((body - who.even * (k % 2 == 0)) / 20)
        decay = 10 ** (-3 * time * k**who.damping / who.decay)
        sound += level * decay * np.sin(stretch * phase + rng.uniform(0, 2 * np.pi))
    return sound
