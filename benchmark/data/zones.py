"""Zones of a sound font: which sample sounds for which keys, and how, from merged preset and instrument generators.

Source: SoundFont Technical Specification 2.04 (E-mu Systems, 2006), sections 8.1 (generators) and 9.4 (merging).
Modulators, the two LFOs, the modulation envelope and panning are left out: a note is mono, its filter stands still and
its pitch is what the caller asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from benchmark.data.riff import text
from benchmark.errors import DataError

ROM = 0x8000
# Sample data in a ROM chip of the sound card have this bit in their type; a file does not hold them.

RATES = (400, 400_000)


class Op(IntEnum):
    """The generator operators that are used here (section 8.1.2)."""

    START = 0
    END = 1
    LOOP_START = 2
    LOOP_END = 3
    START_COARSE = 4
    CUTOFF = 8
    RESONANCE = 9
    END_COARSE = 12
    DELAY = 33
    ATTACK = 34
    HOLD = 35
    DECAY = 36
    SUSTAIN = 37
    RELEASE = 38
    HOLD_PER_KEY = 39
    DECAY_PER_KEY = 40
    INSTRUMENT = 41
    KEYS = 43
    VELOCITIES = 44
    LOOP_START_COARSE = 45
    FIXED_KEY = 46
    FIXED_VELOCITY = 47
    ATTENUATION = 48
    LOOP_END_COARSE = 50
    TUNE_COARSE = 51
    TUNE_FINE = 52
    SAMPLE = 53
    MODES = 54
    TUNE_PER_KEY = 56
    EXCLUSIVE = 57
    ROOT = 58


INSTRUMENT_ONLY = frozenset(
    {
        Op.START,
        Op.END,
        Op.LOOP_START,
        Op.LOOP_END,
        Op.START_COARSE,
        Op.END_COARSE,
        Op.LOOP_START_COARSE,
        Op.LOOP_END_COARSE,
        Op.FIXED_KEY,
        Op.FIXED_VELOCITY,
        Op.MODES,
        Op.EXCLUSIVE,
        Op.ROOT,
    }
)
"""Operators that mean nothing at preset level and are not added there (section 8.5)."""

OPEN_CUTOFF = 13500

# Operator: (default, lowest, highest) of section 8.1.3; others default to 0 and are unbounded.
BOUNDS: Mapping[Op, tuple[int, int, int]] = {
    Op.CUTOFF: (OPEN_CUTOFF, 1500, OPEN_CUTOFF),
    Op.RESONANCE: (0, 0, 960),
    Op.DELAY: (-12000, -12000, 5000),
    Op.ATTACK: (-12000, -12000, 8000),
    Op.HOLD: (-12000, -12000, 5000),
    Op.DECAY: (-12000, -12000, 8000),
    Op.SUSTAIN: (0, 0, 1440),
    Op.RELEASE: (-12000, -12000, 8000),
    Op.HOLD_PER_KEY: (0, -1200, 1200),
    Op.DECAY_PER_KEY: (0, -1200, 1200),
    Op.ATTENUATION: (0, 0, 1440),
    Op.TUNE_COARSE: (0, -120, 120),
    Op.TUNE_FINE: (0, -99, 99),
    Op.TUNE_PER_KEY: (100, 0, 1200),
    Op.FIXED_KEY: (-1, -1, 127),
    Op.FIXED_VELOCITY: (-1, -1, 127),
    Op.ROOT: (-1, -1, 127),
}


@dataclass(frozen=True)
class Envelope:
    """The volume envelope: times in seconds at key 60, `sustain` in dB below the peak.

    `decay` and `release` are the times of a fall by 100 dB; hold and decay change by their `_per_key` cents (of time,
    1200 to the doubling) for every key below 60.
    """

    delay: float
    attack: float
    hold: float
    decay: float
    sustain: float
    release: float
    hold_per_key: int
    decay_per_key: int


@dataclass(frozen=True)
class Zone:
    """One sample, the keys and velocities that it sounds for, and how it is played.

    `sample` is the index of the sample's header in the file: two zones with the same index are the same recording, and
    splits by source go by it. Frames are indices into the font's pool, ends exclusive.
    """

    sample: int
    sample_name: str
    keys: tuple[int, int]
    """Lowest and highest key, both included; so for `velocities`."""
    velocities: tuple[int, int]
    start: int
    end: int
    loop: tuple[int, int] | None
    plays_out: bool
    """True where the loop is left at note-off and the rest of the sample is played."""
    rate: int
    """Of the sample, frames a second."""
    root: int
    """The key at which the sample plays at its own rate, `tuning` aside."""
    tuning: int
    """Cents added at every key."""
    cents_per_key: int
    fixed_key: int | None
    """The key that sounds whatever key is pressed; so for `fixed_velocity`."""
    fixed_velocity: int | None
    attenuation: float
    """As written in the font, dB."""
    cutoff: float | None
    """Of the low-pass filter, Hz; None: open."""
    resonance: float
    """Peak of the filter at the cutoff, dB."""
    envelope: Envelope
    exclusive: int
    """A new note of the same class (not 0) in the same preset ends this one: a closed hat chokes an open one."""

    def sounds(self, key: int, velocity: int) -> bool:
        """Whether the zone answers to this key and velocity."""
        return self.keys[0] <= key <= self.keys[1] and self.velocities[0] <= velocity <= self.velocities[1]


def merge(preset: Mapping[int, int], instrument: Mapping[int, int], samples: np.ndarray, frames: int) -> Zone | None:
    """The zone of a preset zone over an instrument zone; None where it can never sound.

    Parameters
    ----------
    preset, instrument
        Amounts as the file's 16 bits, by operator; global zones are already under them.
    samples
        The sample headers, the terminal one included.
    frames
        Length of the pool.

    Raises
    ------
    DataError
        The zone's sample does not exist, or does not lie in the pool.
    """
    keys = _overlap(preset, instrument, Op.KEYS)
    velocities = _overlap(preset, instrument, Op.VELOCITIES)
    index = instrument[Op.SAMPLE]
    if index >= len(samples) - 1:
        raise DataError(f"a zone names sample {index} of {len(samples) - 1}")
    header = samples[index]
    if int(header["kind"]) & ROM or keys[0] > keys[1] or velocities[0] > velocities[1]:
        return None

    def amount(op: Op) -> int:
        default, lowest, highest = BOUNDS.get(op, (0, -(2**31), 2**31))
        total = _signed(instrument[op]) if op in instrument else default
        if op not in INSTRUMENT_ONLY and op in preset:
            total += _signed(preset[op])
        return min(max(total, lowest), highest)

    def moved(frame: str, fine: Op, coarse: Op) -> int:
        return int(header[frame]) + amount(fine) + 32768 * amount(coarse)

    name, rate = text(header["name"]), int(header["rate"])
    start, end = moved("start", Op.START, Op.START_COARSE), moved("end", Op.END, Op.END_COARSE)
    if not 0 <= start < end <= frames or not RATES[0] <= rate <= RATES[1]:
        raise DataError(f"sample {index} ({name!r}) has frames {start} to {end} of {frames} at {rate} Hz")
    loop_start = moved("loop_start", Op.LOOP_START, Op.LOOP_START_COARSE)
    loop_end = moved("loop_end", Op.LOOP_END, Op.LOOP_END_COARSE)
    mode = amount(Op.MODES) & 3
    # A loop of one frame would be a constant, and one outside the sample would play a neighbour.
    loops = mode in (1, 3) and start <= loop_start and loop_start + 1 < loop_end <= end
    root, cutoff = amount(Op.ROOT), amount(Op.CUTOFF)
    if root < 0:
        root = int(header["key"]) if header["key"] <= 127 else 60
    return Zone(
        sample=index,
        sample_name=name,
        keys=keys,
        velocities=velocities,
        start=start,
        end=end,
        loop=(loop_start, loop_end) if loops else None,
        plays_out=loops and mode == 3,
        rate=rate,
        root=root,
        tuning=100 * amount(Op.TUNE_COARSE) + amount(Op.TUNE_FINE) + int(header["correction"]),
        cents_per_key=amount(Op.TUNE_PER_KEY),
        fixed_key=_optional(amount(Op.FIXED_KEY)),
        fixed_velocity=_optional(amount(Op.FIXED_VELOCITY)),
        attenuation=amount(Op.ATTENUATION) / 10,
        cutoff=_hertz(cutoff) if cutoff < OPEN_CUTOFF else None,
        resonance=amount(Op.RESONANCE) / 10,
        envelope=Envelope(
            delay=_seconds(amount(Op.DELAY)),
            attack=_seconds(amount(Op.ATTACK)),
            hold=_seconds(amount(Op.HOLD)),
            decay=_seconds(amount(Op.DECAY)),
            sustain=amount(Op.SUSTAIN) / 10,
            release=_seconds(amount(Op.RELEASE)),
            hold_per_key=amount(Op.HOLD_PER_KEY),
            decay_per_key=amount(Op.DECAY_PER_KEY),
        ),
        exclusive=amount(Op.EXCLUSIVE),
    )


def _signed(raw: int) -> int:
    return (raw ^ 0x8000) - 0x8000


def _overlap(preset: Mapping[int, int], instrument: Mapping[int, int], op: Op) -> tuple[int, int]:
    """The range that both levels allow; a range has its lowest value in the low byte."""
    everything = 127 << 8
    a, b = preset.get(op, everything), instrument.get(op, everything)
    return max(a & 0xFF, b & 0xFF), min(a >> 8, b >> 8)


def _optional(value: int) -> int | None:
    return value if value >= 0 else None


def _seconds(timecents: int) -> float:
    return float(2.0 ** (timecents / 1200))


def _hertz(cents: int) -> float:
    """Absolute cents, 6900 = 440 Hz."""
    return float(440 * 2.0 ** ((cents - 6900) / 1200))
