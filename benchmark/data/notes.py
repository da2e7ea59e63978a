"""Notes of a sound font as audio, with any pitch curve, exact by construction.

Linear interpolation between frames, one loop without end, a volume envelope and a low-pass filter that stands still.
Sums and powers are in double precision and audio is stored as int16, so that the last bits, in which machines differ,
are rounded away. Render at 32 or 44.1 kHz and resample to the rate wanted: the interpolation aliases at low rates.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmark.data import riff, soundfont, zones
from benchmark.data.soundfont import DRUMS, SoundFont
from benchmark.data.zones import Envelope, Zone
from benchmark.digest import digest_json, digest_source
from benchmark.errors import DataError

RATE = 32_000

# Synthesizers of the fonts' time heard 0.4 of the written attenuation, and fonts are voiced for them (as FluidSynth).
ATTENUATION = 0.4

# Faster than any preset of the default font (66 times), and slow enough that an index cannot overflow.
FASTEST = 256.0

# A note whose largest value rounds to 0 in int16 cannot be heard in any data set.
SILENCE = 0.5 / 32768


class SilentZone(DataError):  # noqa: N818 - callers read it as what it is, a silent zone
    """A preset does not sound at a key and velocity, or sounds too softly for int16."""


def render_note(
    font: SoundFont,
    bank: int,
    program: int,
    key: int,
    velocity: int,
    held: float,
    seconds: float,
    rate: int = RATE,
    cents: float | np.ndarray | None = None,
    zone: Zone | None = None,
) -> np.ndarray:
    """One note, from note-on.

    Parameters
    ----------
    font
        Where the sound comes from.
    bank, program
        The preset; bank 128 holds drum kits, whose filter is skipped: their fonts open it by a modulation envelope
        that is not rendered, and a closed hat would be 17 dB too soft.
    key, velocity
        MIDI key 0 to 127 (60 = middle C), velocity 1 to 127.
    held
        Seconds from note-on to note-off; may be longer than the clip.
    seconds
        Length of the clip.
    rate
        Samples a second of the output.
    cents
        Pitch offset, one number or one for each sample of the output: shape (round(seconds * rate),).
    zone
        Play this zone, also outside of its own keys, instead of those that match.

    Returns
    -------
    np.ndarray
        (round(seconds * rate),) float32, mono; a stereo pair of samples is summed. Loud presets may exceed 1.

    Raises
    ------
    SilentZone
        No zone matches, or the clip would be silence in int16.
    DataError
        An argument is out of its range.
    """
    frames = _frames(seconds, rate)
    _check_note(key, velocity, held)
    bend = _bend(cents, frames)
    parts = font.match(bank, program, key, velocity) if zone is None else (zone,)
    mix = np.zeros(frames)
    for part in parts:
        mix += _voice(font.pool, part, key, velocity, held, rate, bend, frames, filtered=bank != DRUMS)
    if not np.abs(mix).max() >= SILENCE:
        name = f"preset ({bank}, {program}) {font.presets.get((bank, program), '')!r}"
        why = "sounds too softly" if parts else "has no zone"
        raise SilentZone(f"{name} {why} at key {key}, velocity {velocity}: choose another key")
    return mix.astype(np.float32)


def place(track: np.ndarray, note: np.ndarray, start_seconds: float, gain: float = 1.0, rate: int = RATE) -> None:
    """Add a note to a track, in place; what hangs over the track's end is lost.

    Parameters
    ----------
    track
        (samples,) floating point.
    note
        (samples,) at the same rate.
    start_seconds
        Where the note begins, rounded to a sample; inside the track.
    gain
        Linear.

    Raises
    ------
    DataError
        The note would begin outside the track.
    """
    start = round(start_seconds * rate) if math.isfinite(start_seconds) else -1
    if not 0 <= start < len(track):
        raise DataError(f"a note at {start_seconds} s is outside of a track of {len(track) / rate} s")
    stop = min(start + len(note), len(track))
    track[start:stop] += gain * note[: stop - start]


def resample(audio: np.ndarray, rate: int, to: int) -> np.ndarray:
    """Audio (samples,) at another rate: (round(samples * to / rate),) float32, by soxr in double precision."""
    import soxr

    length = round(len(audio) * to / rate)
    # Only the best quality of soxr computes in double precision; lower ones differ between processors.
    changed = soxr.resample(audio.astype(np.float64), rate, to, quality="VHQ")[:length]
    return np.pad(changed, (0, length - len(changed))).astype(np.float32)


def to_int16(audio: np.ndarray) -> np.ndarray:
    """Audio in -1 to 1 as int16 (1 = 32768), rounded half to even; what is louder is clipped.

    Raises
    ------
    DataError
        The audio has a value that is not a number.
    """
    if np.isnan(audio).any():
        raise DataError("audio has values that are not numbers")
    scaled = np.rint(audio.astype(np.float64) * 32768)
    return np.clip(scaled, -32768, 32767).astype(np.int16)


@lru_cache(maxsize=1)
def _renderer() -> str:
    modules = (riff, zones, soundfont)
    return digest_source(Path(__file__), *(Path(str(module.__file__)) for module in modules))


def renderer_digest(font: SoundFont) -> str:
    """What rendered audio depends on besides the arguments: this code and the font; goes into a cache's spec."""
    return digest_json([_renderer(), font.digest])


def _frames(seconds: float, rate: int) -> int:
    if not (1000 <= rate <= 400_000 and 0 < seconds < math.inf) or round(seconds * rate) < 1:
        raise DataError(f"a clip of {seconds} s at {rate} Hz cannot be rendered: give a positive length, 1 to 400 kHz")
    return round(seconds * rate)


def _check_note(key: int, velocity: int, held: float) -> None:
    if key != int(key) or not 0 <= key <= 127:
        raise DataError(f"key {key} is not a MIDI key: give a whole number from 0 to 127, and the rest in cents")
    if not 1 <= velocity <= 127:
        raise DataError(f"velocity {velocity} is not in 1 to 127")
    if not held > 0:
        raise DataError(f"a note held for {held} s cannot be rendered: give a positive time")


def _bend(cents: float | np.ndarray | None, frames: int) -> np.ndarray:
    """The pitch offset as shape () or (frames,)."""
    bend = np.asarray(0.0 if cents is None else cents, dtype=np.float64)
    if bend.shape not in ((), (frames,)):
        raise DataError(f"cents has shape {bend.shape}: give one number, or one for each of {frames} samples")
    if not np.isfinite(bend).all():
        raise DataError("cents has values that are not finite")
    return bend


def _voice(
    pool: np.ndarray,
    zone: Zone,
    key: int,
    velocity: int,
    held: float,
    rate: int,
    bend: np.ndarray,
    frames: int,
    filtered: bool,
) -> np.ndarray:
    """(frames,) float64: what one zone adds to a note."""
    key = key if zone.fixed_key is None else zone.fixed_key
    velocity = velocity if zone.fixed_velocity is None else zone.fixed_velocity
    released = max(1, round(min(held * rate, frames)))
    cents = (key - zone.root) * zone.cents_per_key + zone.tuning + bend
    limit = 1200 * math.log2(FASTEST * rate / zone.rate)
    if cents.max() > limit:
        raise DataError(f"sample {zone.sample_name!r} at key {key} would play over {FASTEST:.0f} times too fast")
    step = zone.rate / rate * np.exp2(cents / 1200)
    position = np.cumsum(step) - step[0] if step.ndim else np.arange(frames) * step
    wave = _read(pool, zone, position, released)
    # The default velocity modulator of section 8.4.1: 40 log10(127 / velocity) dB of attenuation.
    gain = 10 ** (-ATTENUATION * zone.attenuation / 20) * (velocity / 127) ** 2
    wave *= _envelope(zone.envelope, key, released, frames, rate) * (gain / 32768)
    if filtered and zone.cutoff is not None:
        wave = _low_pass(wave, zone.cutoff, zone.resonance, rate)
    return wave


def _read(pool: np.ndarray, zone: Zone, position: np.ndarray, released: int) -> np.ndarray:
    """The zone's sample at fractional frames after its start, its loop unrolled as far as `position` goes."""
    silence = np.zeros(1, np.int16)
    if zone.loop is None:
        data = np.concatenate([pool[zone.start : zone.end], silence])
    else:
        first, last = zone.loop
        loop = pool[first:last]
        looped = position[released - 1] if zone.plays_out else position[-1]
        turns = max(0, math.ceil((looped - (last - zone.start)) / len(loop)))
        rest = [pool[last : zone.end], silence] if zone.plays_out else [loop[:1]]
        data = np.concatenate([pool[zone.start : last], np.tile(loop, turns), *rest])
    whole = position.astype(np.int64)
    left = data.take(whole, mode="clip").astype(np.float64)
    right = data.take(whole + 1, mode="clip")
    return left + (right - left) * (position - whole)


def _envelope(shape: Envelope, key: int, released: int, frames: int, rate: int) -> np.ndarray:
    """(frames,) gains: delay, linear attack, hold, then straight lines in dB: decay to sustain, and release."""
    time = np.arange(frames) / rate
    hold = shape.hold * 2.0 ** (shape.hold_per_key * (60 - key) / 1200)
    decay = shape.decay * 2.0 ** (shape.decay_per_key * (60 - key) / 1200)
    fall = np.clip((time - (shape.delay + shape.attack + hold)) * (100 / decay), 0, shape.sustain)
    rise = np.clip((time - shape.delay) / shape.attack, 0, 1)
    if released < frames:
        fall[released:] = fall[released - 1] + (time[released:] - time[released - 1]) * (100 / shape.release)
        rise[released:] = rise[released - 1]
    gains: np.ndarray = rise * np.exp(fall * (-math.log(10) / 20))
    return gains


def _low_pass(wave: np.ndarray, cutoff: float, resonance: float, rate: int) -> np.ndarray:
    """Two-pole low-pass of R. Bristow-Johnson's cookbook, maximally flat at 0 dB of resonance."""
    from scipy.signal import lfilter

    angle = 2 * math.pi * min(cutoff, 0.45 * rate) / rate
    alpha = math.sin(angle) / (math.sqrt(2) * 10 ** (resonance / 20))
    cosine = math.cos(angle)
    forward = np.array([0.5, 1.0, 0.5]) * ((1 - cosine) / (1 + alpha))
    back = np.array([1 + alpha, -2 * cosine, 1 - alpha]) / (1 + alpha)
    filtered: np.ndarray = lfilter(forward, back, wave)
    return filtered
