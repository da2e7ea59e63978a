"""The RIFF container of a SoundFont 2 file: chunks, and the record tables in them, with every bound checked.

Source: SoundFont Technical Specification 2.04 (E-mu Systems, 2006), sections 3 to 5 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.errors import DataError

PRESET = np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("unused", "<u4", 3)])
INSTRUMENT = np.dtype([("name", "S20"), ("bag", "<u2")])
BAG = np.dtype([("generator", "<u2"), ("modulator", "<u2")])
GENERATOR = np.dtype([("operator", "<u2"), ("amount", "<u2")])
SAMPLE = np.dtype(
    [
        ("name", "S20"),
        ("start", "<u4"),
        ("end", "<u4"),
        ("loop_start", "<u4"),
        ("loop_end", "<u4"),
        ("rate", "<u4"),
        ("key", "u1"),
        ("correction", "i1"),
        ("link", "<u2"),
        ("kind", "<u2"),
    ]
)


@dataclass(frozen=True)
class Tables:
    """The records of a font; each table but the generators ends in a terminal record, as in the file.

    Bag indices of presets and instruments, and generator indices of bags, rise and stay inside their tables.
    """

    presets: np.ndarray
    preset_bags: np.ndarray
    preset_generators: np.ndarray
    instruments: np.ndarray
    instrument_bags: np.ndarray
    instrument_generators: np.ndarray
    samples: np.ndarray
    pool: np.ndarray
    """(frames,) int16: the audio of all samples, one after the other."""


def read_tables(content: bytes) -> Tables:
    """The tables of a SoundFont 2 file, views into `content`.

    Raises
    ------
    DataError
        What is wrong with the file, without its name.
    """
    chunks = _chunks(content)
    presets, preset_bags, preset_generators = _level(content, chunks, b"phdr", PRESET, b"pbag", b"pgen")
    instruments, instrument_bags, instrument_generators = _level(content, chunks, b"inst", INSTRUMENT, b"ibag", b"igen")
    return Tables(
        presets=presets,
        preset_bags=preset_bags,
        preset_generators=preset_generators,
        instruments=instruments,
        instrument_bags=instrument_bags,
        instrument_generators=instrument_generators,
        samples=_table(content, chunks, b"shdr", SAMPLE),
        pool=_table(content, chunks, b"smpl", np.dtype("<i2")),
    )


def text(name: bytes) -> str:
    """A name field, which ends at its first zero byte and has no declared encoding."""
    return name.split(b"\0")[0].decode("latin1").strip()


def _chunks(content: bytes) -> dict[bytes, tuple[int, int]]:
    """(offset, bytes) of every chunk inside the LIST chunks of the file."""
    if content[:4] != b"RIFF" or content[8:12] != b"sfbk":
        raise DataError("not a SoundFont 2 file")
    end = 8 + _size(content, 4)
    if end > len(content):
        raise DataError(f"truncated: {len(content)} bytes of {end}")
    found: dict[bytes, tuple[int, int]] = {}
    for name, start, stop in _walk(content, 12, end):
        if name == b"LIST":
            found.update({inner: (a, b - a) for inner, a, b in _walk(content, start + 4, stop)})
    return found


def _walk(content: bytes, position: int, end: int) -> list[tuple[bytes, int, int]]:
    """(name, start, stop) of the chunks that lie side by side in `content[position:end]`."""
    walked = []
    while position + 8 <= end:
        name, start = content[position : position + 4], position + 8
        stop = start + _size(content, position + 4)
        if stop > end:
            raise DataError(f"chunk {name.decode('latin1')!r} at byte {position} runs past the end of what holds it")
        walked.append((name, start, stop))
        position = stop + (stop - start) % 2  # Chunks are padded to even lengths.
    return walked


def _size(content: bytes, offset: int) -> int:
    return int.from_bytes(content[offset : offset + 4], "little")


def _table(content: bytes, chunks: dict[bytes, tuple[int, int]], name: bytes, dtype: np.dtype) -> np.ndarray:
    if name not in chunks:
        raise DataError(f"chunk {name.decode()!r} is missing")
    offset, size = chunks[name]
    if size == 0 or size % dtype.itemsize:
        raise DataError(f"chunk {name.decode()!r} has {size} bytes, not a positive multiple of {dtype.itemsize}")
    return np.frombuffer(content, dtype, size // dtype.itemsize, offset)


def _level(
    content: bytes, chunks: dict[bytes, tuple[int, int]], head: bytes, kind: np.dtype, bag: bytes, generator: bytes
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heads, bags and generators of presets or of instruments."""
    heads = _table(content, chunks, head, kind)
    bags = _table(content, chunks, bag, BAG)
    generators = _table(content, chunks, generator, GENERATOR)
    _require_rising(heads["bag"], len(bags) - 1, f"bag indices of {head.decode()!r}")
    _require_rising(bags["generator"], len(generators), f"generator indices of {bag.decode()!r}")
    return heads, bags, generators


def _require_rising(indices: np.ndarray, limit: int, what: str) -> None:
    signed = indices.astype(np.int64)
    if (np.diff(signed) < 0).any() or signed[-1] > limit:
        raise DataError(f"{what} do not rise, or leave the table")
