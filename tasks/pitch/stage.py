"""What lies between an instrument and the file: a room, its own breath, the rest of the band, noise.

A close microphone on one player of several. All of it is drawn anew for every clip, in training and in test alike.
"""

from __future__ import annotations

import numpy as np

from benchmark.data.room import noise

from .model import RATE

REVERBERATION = (0.15, 0.6)
"""Seconds until the room is 60 dB down."""
DIRECT = (3.0, 20.0)
"""dB that the direct sound is above all reflections."""
FIRST_REFLECTION = 0.003
"""Seconds after the direct sound."""
COLOUR = 8.0
"""dB that the instrument and the microphone are off a flat response at most, at each of `CORNERS`."""
CORNERS = (100.0, 200.0, 400.0, 800.0, 1600.0, 3200.0, 6400.0)
BREATH = (15.0, 45.0)
"""dB that noise in step with the instrument's loudness (breath, bow, fret) is below it."""
BAND = (6.0, 30.0)
"""dB that two other instruments together are below this one."""
NOISE = (0.0, 30.0)
"""dB that steady noise is below the instrument."""


def in_a_room(dry: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Audio (samples,) as a microphone in a room hears it: exponentially decaying reflections, and coloured."""
    seconds = rng.uniform(*REVERBERATION)
    tail = rng.normal(size=round(seconds * RATE)) * 10 ** (-3 * np.linspace(0, 1, round(seconds * RATE)))
    tail[: round(FIRST_REFLECTION * RATE)] = 0
    response = tail * (10 ** (-rng.uniform(*DIRECT) / 20) / np.sqrt((tail**2).sum()))
    response[0] = 1
    samples = len(dry) + len(response)
    frequency = np.fft.rfftfreq(samples, 1 / RATE)
    colour = np.interp(np.log(np.maximum(frequency, 1)), np.log(CORNERS), rng.uniform(-COLOUR, COLOUR, len(CORNERS)))
    spectrum = np.fft.rfft(dry, samples) * np.fft.rfft(response, samples) * 10 ** (colour / 20)
    heard: np.ndarray = np.fft.irfft(spectrum, samples)[: len(dry)]
    return heard


def disturbance(heard: np.ndarray, level: float, band: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What is heard besides the instrument, (samples,).

    Parameters
    ----------
    heard
        The instrument.
    level
        Its root mean square while it plays.
    band
        Other instruments, (samples,), of any level.
    """
    breath = noise(len(heard), rng) * _envelope(heard) * _down(BREATH, rng)
    others = band * (level * _down(BAND, rng) / max(_rms(band), 1e-9))
    steady = noise(len(heard), rng) * (level * _down(NOISE, rng))
    besides: np.ndarray = breath + others + steady
    return besides


def _down(decibels: tuple[float, float], rng: np.random.Generator) -> float:
    return float(10 ** (-rng.uniform(*decibels) / 20))


def _rms(audio: np.ndarray) -> float:
    return float(np.sqrt(np.mean(audio**2)))


def _envelope(audio: np.ndarray) -> np.ndarray:
    """Root mean square of the 20 ms around every sample."""
    half = RATE // 100
    energy = np.cumsum(np.pad(audio**2, (half + 1, half)))
    envelope: np.ndarray = np.sqrt(np.maximum(energy[2 * half + 1 :] - energy[: -2 * half - 1], 0) / (2 * half + 1))
    return envelope
