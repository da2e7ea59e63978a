"""Writes small SoundFont 2 files, so that tests know what is in them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.data.zones import Op

Amounts = Mapping[Op, int]
"""One zone: signed amounts by operator; a range is low + 256 * high."""


@dataclass(frozen=True)
class Sample:
    audio: np.ndarray
    loop: tuple[int, int] = (0, 0)
    rate: int = 32000
    key: int = 60
    correction: int = 0
    kind: int = 1


def span(low: int, high: int) -> int:
    return low + 256 * high


def write_font(
    samples: Sequence[Sample],
    instruments: Sequence[Sequence[Amounts]],
    presets: Mapping[tuple[int, int], Sequence[Amounts]],
) -> bytes:
    pool, headers, at = [], b"", 0
    for i, sample in enumerate(samples):
        audio = np.asarray(sample.audio, dtype="<i2")
        frames = (at, at + len(audio), at + sample.loop[0], at + sample.loop[1])
        tail = (sample.rate, sample.key, sample.correction, 0, sample.kind)
        headers += struct.pack("<20s5IBbHH", f"sample {i}".encode(), *frames, *tail)
        pool.append(audio)
        at += len(audio)
    headers += struct.pack("<20s5IBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)

    inst_bags, inst_generators, firsts = _bags(instruments)
    inst = b"".join(struct.pack("<20sH", f"instrument {i}".encode(), bag) for i, bag in enumerate(firsts))
    preset_bags, preset_generators, firsts = _bags(list(presets.values()))
    names = [*presets, (0, 0)]
    phdr = b"".join(
        struct.pack("<20sHHHIII", f"preset {bank} {program}".encode(), program, bank, bag, 0, 0, 0)
        for (bank, program), bag in zip(names, firsts, strict=True)
    )
    sdta = b"sdta" + _chunk(b"smpl", np.concatenate(pool).tobytes())
    pdta = b"pdta" + b"".join(
        _chunk(name, content)
        for name, content in (
            (b"phdr", phdr), (b"pbag", preset_bags), (b"pmod", bytes(10)), (b"pgen", preset_generators),
            (b"inst", inst), (b"ibag", inst_bags), (b"imod", bytes(10)), (b"igen", inst_generators), (b"shdr", headers),
        )
    )  # fmt: skip
    info = b"INFO" + _chunk(b"ifil", struct.pack("<HH", 2, 4))
    return _chunk(b"RIFF", b"sfbk" + b"".join(_chunk(b"LIST", part) for part in (info, sdta, pdta)))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _bags(owners: Sequence[Sequence[Amounts]]) -> tuple[bytes, bytes, list[int]]:
    """Bags, generators, and the first bag of each owner and of the terminal record."""
    bags, generators, firsts = b"", b"", []
    for zones in owners:
        firsts.append(len(bags) // 4)
        for zone in zones:
            bags += struct.pack("<HH", len(generators) // 4, 0)
            # Instrument and sample come last in their zone, as the format wants.
            for op in sorted(zone, key=lambda op: op in (Op.INSTRUMENT, Op.SAMPLE)):
                generators += struct.pack("<HH", op, zone[op] & 0xFFFF)
    firsts.append(len(bags) // 4)
    bags += struct.pack("<HH", len(generators) // 4, 0)
    return bags, generators + bytes(4), firsts
