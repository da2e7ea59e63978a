"""What lies between players and a recording of them: a room, and noise."""

from __future__ import annotations

import numpy as np

Range = tuple[float, float]
"""Lowest and highest, all between equally likely."""

DRY = 1 / 3
"""Part of the clips that :func:`in_a_room` leaves as they are."""


def in_a_room(dry: np.ndarray, rate: int, decay: Range, direct: Range, rng: np.random.Generator) -> np.ndarray:
    """Audio (samples,), with the reflections of a room in two thirds of the clips; see :func:`reflections`."""
    if rng.random() < DRY:
        return dry
    from scipy.signal import fftconvolve

    wet: np.ndarray = dry + fftconvolve(dry, reflections(rate, decay, direct, rng))[: len(dry)]
    return wet


def reflections(rate: int, decay: Range, direct: Range, rng: np.random.Generator) -> np.ndarray:
    """What a room adds to an impulse, without the impulse, by Polack's model: noise that dies away exponentially.

    Parameters
    ----------
    rate
        Samples a second.
    decay
        Seconds in which it falls by 60 dB.
    direct
        dB of the impulse's energy over that of all reflections.
    rng
        Where every choice comes from.

    Returns
    -------
    numpy.ndarray
        (round(longest decay * rate),) float64.
    """
    time = np.arange(round(decay[1] * rate)) / rate
    tail: np.ndarray = rng.normal(size=len(time)) * np.exp(-np.log(1000) * time / rng.uniform(*decay))
    tail *= 10 ** (-rng.uniform(*direct) / 20) / np.sqrt(np.sum(tail**2))
    return tail


def noise(samples: int, rng: np.random.Generator) -> np.ndarray:
    """(samples,) white to brown noise of RMS 1."""
    spectrum = np.fft.rfft(rng.normal(size=samples))
    spectrum *= np.maximum(np.arange(len(spectrum)), 100) ** -rng.uniform(0, 1)
    made: np.ndarray = np.fft.irfft(spectrum, samples)
    made /= np.sqrt(np.mean(made**2))
    return made
