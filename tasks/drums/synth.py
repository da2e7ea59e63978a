"""Drums without a sample: every call is another drum, of a physical or an electronic model with settings of its own.

A membrane is a sum of the first modes of an ideal circular one (Fletcher and Rossing, The Physics of Musical
Instruments, 2nd ed. 1998, section 3.3), whose pitch falls after the stroke, as it does in the analogue circuits of drum
machines too. Snare wires are filtered noise. Metal is a sum of inharmonic square
waves, as in the TR-808, or of many sines, with noise, high-passed.
"""

from __future__ import annotations

import numpy as np

from .features import RATE
from .sounds import HAT, KICK, SNARE

RINGING = 1.2
"""Seconds that a stroke lasts."""
MODES = (1.0, 1.593, 2.136, 2.296, 2.653)
"""Of a circular membrane, in units of the lowest."""
_TIME = np.arange(round(RINGING * RATE)) / RATE


def stroke(drum: int, rng: np.random.Generator) -> np.ndarray:
    """A new kick, snare, hat or, for any other number, one of the drums without a label: (samples,) of peak 1."""
    wave = (_kick, _snare, _hat)[drum](rng) if drum in (KICK, SNARE, HAT) else OTHERS[rng.integers(len(OTHERS))](rng)
    result: np.ndarray = wave / np.abs(wave).max()
    return result


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Evenly distributed in its logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _decay(seconds: float) -> np.ndarray:
    """(samples,) falling by 8.7 dB in so many seconds."""
    result: np.ndarray = np.exp(_TIME / -seconds)
    return result


def _membrane(
    rng: np.random.Generator, hertz: tuple[float, float], fall: tuple[float, float], ring: tuple[float, float]
) -> np.ndarray:
    """Modes over a lowest frequency, which falls from 1 + `fall` times that; higher modes are weaker and shorter."""
    falling = _between(rng, *hertz) * (1 + _between(rng, *fall) * _decay(_between(rng, 0.004, 0.06)))
    phase = 2 * np.pi * np.cumsum(falling) / RATE
    seconds, overtones = _between(rng, *ring), rng.uniform(0, 0.6)
    wave: np.ndarray = np.sin(phase) * _decay(seconds)
    for number, mode in enumerate(MODES[1:], 1):
        wave += overtones**number * rng.uniform(0.3, 1) * np.sin(mode * phase) * _decay(seconds / mode**2)
    return wave


def _between_corners(wave: np.ndarray, low: float, high: float, steepness: int = 1) -> np.ndarray:
    """Through one-pole filters: so many high-passes at `low`, one low-pass at `high`; RMS 1."""
    from scipy.signal import lfilter

    def low_passed(wave: np.ndarray, corner: float) -> np.ndarray:
        pole = np.exp(-2 * np.pi * corner / RATE)
        smooth: np.ndarray = lfilter([1 - pole], [1, -pole], wave)
        return smooth

    for _ in range(steepness):
        wave = wave - low_passed(wave, low)
    wave = low_passed(wave, high)
    result: np.ndarray = wave / np.sqrt(np.mean(wave**2))
    return result


def _noise(rng: np.random.Generator, low: tuple[float, float], high: tuple[float, float]) -> np.ndarray:
    """White noise between two corners."""
    return _between_corners(rng.normal(size=len(_TIME)), _between(rng, *low), _between(rng, *high))


def _kick(rng: np.random.Generator) -> np.ndarray:
    wave = _membrane(rng, (36, 95), (0.2, 6), (0.05, 0.5))
    wave += rng.uniform(0, 0.4) * _noise(rng, (100, 3000), (1500, 12_000)) * _decay(_between(rng, 0.001, 0.01))
    drive = _between(rng, 0.3, 5)
    result: np.ndarray = np.tanh(drive * wave)
    return result


def _snare(rng: np.random.Generator) -> np.ndarray:
    skin = _membrane(rng, (140, 340), (0.02, 1), (0.02, 0.15))
    wires = _noise(rng, (150, 2500), (3000, 16_000)) * _decay(_between(rng, 0.03, 0.3))
    result: np.ndarray = skin + 2 ** rng.uniform(-3, 2) * wires
    return result


def _metal(rng: np.random.Generator, low: tuple[float, float]) -> np.ndarray:
    """Inharmonic partials and noise above a corner."""
    wave = rng.uniform(0.1, 1) * rng.normal(size=len(_TIME))
    if rng.random() < 0.5:
        for hertz in np.exp(rng.uniform(np.log(250), np.log(1200), 6)):
            # Without a sine, whose last bit would decide a sign.
            wave += np.where((hertz * _TIME + rng.random()) % 1 < 0.5, 0.5, -0.5)
    else:
        for hertz in np.exp(rng.uniform(np.log(2500), np.log(16_000), 24)):
            wave += 0.4 * rng.random() * np.sin(2 * np.pi * (hertz * _TIME + rng.random()))
    return _between_corners(wave, _between(rng, *low), _between(rng, 6000, 18_000), int(rng.integers(2, 5)))


def _hat(rng: np.random.Generator) -> np.ndarray:
    # A stick strikes at once, a shaker in some milliseconds.
    rise = 1 - _decay(_between(rng, 0.0002, 0.005))
    result: np.ndarray = _metal(rng, (2500, 9000)) * rise
    return result


def _tom(rng: np.random.Generator) -> np.ndarray:
    wave = _membrane(rng, (75, 270), (0.03, 1), (0.1, 0.6))
    result: np.ndarray = wave + rng.uniform(0, 0.2) * _noise(rng, (100, 2000), (1500, 12_000)) * _decay(0.01)
    return result


def _cymbal(rng: np.random.Generator) -> np.ndarray:
    return _metal(rng, (400, 4000))


def _bell(rng: np.random.Generator) -> np.ndarray:
    low, ratio = _between(rng, 450, 1100), rng.uniform(1.3, 1.7)
    wave = sum(np.where((hertz * _TIME) % 1 < 0.5, 0.5, -0.5) for hertz in (low, ratio * low))
    result: np.ndarray = wave * _decay(_between(rng, 0.03, 0.3))
    return result


def _wood(rng: np.random.Generator) -> np.ndarray:
    tone = np.sin(2 * np.pi * _between(rng, 350, 2600) * _TIME) * _decay(_between(rng, 0.008, 0.06))
    result: np.ndarray = tone + rng.uniform(0, 0.3) * _noise(rng, (300, 3000), (3000, 12_000)) * _decay(0.003)
    return result


def _clap(rng: np.random.Generator) -> np.ndarray:
    """Several hands within 40 ms."""
    noise = _noise(rng, (500, 1500), (1500, 5000))
    wave = np.zeros(len(_TIME))
    for start in np.sort(rng.uniform(0, 0.04, int(rng.integers(2, 5)))):
        late = round((start if wave.any() else 0) * RATE)
        wave[late:] += (noise * _decay(0.006))[: len(wave) - late]
    wave += 0.3 * noise * _decay(_between(rng, 0.03, 0.2))
    return wave


OTHERS = (_tom, _tom, _cymbal, _cymbal, _bell, _wood, _clap)
"""Each as likely as it is listed."""
