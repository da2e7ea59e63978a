"""Which presets of a sound font are one source: those that share a recorded sample sound alike."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.data.soundfont import SoundFont


def samples(font: SoundFont, preset: int) -> frozenset[int]:
    """Every sample that a melodic preset (bank 0) can sound."""
    return frozenset(zone.sample for zone in font.zones(0, preset))


def joined(font: SoundFont, presets: Sequence[int]) -> list[tuple[int, ...]]:
    """Presets of bank 0 joined where they share a sample, directly or through others, in order of their first preset.

    A split that keeps these together has no sample on two sides.
    """
    groups: list[tuple[set[int], set[int]]] = []
    for preset in presets:
        members, heard = {preset}, set(samples(font, preset))
        for group in [g for g in groups if g[1] & heard]:
            members |= group[0]
            heard |= group[1]
            groups.remove(group)
        groups.append((members, heard))
    return sorted(tuple(sorted(members)) for members, _ in groups)
