"""What lies between a sound and its recording: the colour of a microphone, a room, noise, and a level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.data.notes import to_int16
from benchmark.data.room import noise, reflections

REVERBERANT = 0.8
"""Part of the clips that stand in a room."""
DECAY = (0.15, 0.9)
"""Seconds in which a room's sound falls by 60 dB."""
KNOTS = (60.0, 150.0, 400.0, 1000.0, 2500.0, 6000.0, 11_000.0)
"""Hz, with straight lines over log frequency between them."""
PEAK = (1.0, 15.0)
"""dB of the loudest sample below full scale."""


@dataclass(frozen=True)
class Room:
    """How far recordings go away from the sound."""

    direct: tuple[float, float]
    """dB of the direct sound above the room's, lowest and highest."""
    colour: float
    """dB, standard deviation of the microphone's response at each of the knots above."""
    noise: tuple[float, float]
    """dB of the sound's RMS above that of the noise, lowest and highest. The noise is white to brown."""


def record(sound: np.ndarray, rate: int, room: Room, rng: np.random.Generator) -> np.ndarray:
    """A recording of a sound.

    Parameters
    ----------
    sound
        (samples,) floating point, not silent.
    rate
        Its sampling rate in Hz.
    room
        What may happen to it.
    rng
        Where every choice comes from.

    Returns
    -------
    numpy.ndarray
        (samples,) int16.
    """
    heard = _filtered(sound.astype(np.float64), rate, room, rng)
    level = np.sqrt(np.mean(heard**2)) * 10 ** (-rng.uniform(*room.noise) / 20)
    noisy = heard + level * noise(len(heard), rng)
    return to_int16(noisy * (10 ** (-rng.uniform(*PEAK) / 20) / np.abs(noisy).max()))


def _filtered(sound: np.ndarray, rate: int, room: Room, rng: np.random.Generator) -> np.ndarray:
    size = 1 << (len(sound) + round(DECAY[1] * rate) - 1).bit_length()
    hertz = np.fft.rfftfreq(size, 1 / rate)
    decibels = np.interp(np.log(np.maximum(hertz, KNOTS[0])), np.log(KNOTS), rng.normal(0, room.colour, len(KNOTS)))
    response = np.fft.rfft(_response(rate, room.direct, rng), size) * 10 ** (decibels / 20)
    filtered: np.ndarray = np.fft.irfft(np.fft.rfft(sound, size) * response, size)[: len(sound)]
    return filtered


def _response(rate: int, direct: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """The impulse itself and, mostly, what a room adds to it."""
    response = reflections(rate, DECAY, direct, rng)
    if rng.random() > REVERBERANT:
        response[:] = 0
    response[0] += 1
    return response
