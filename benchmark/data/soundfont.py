"""SoundFont 2 files: presets, and the zones of a preset with the sample that each plays.

A reader of our own because a split by source needs to know which sample a note comes from, which no renderer tells.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import numpy as np

from benchmark.data.riff import read_tables, text
from benchmark.data.zones import Op, Zone, merge
from benchmark.errors import DataError

__all__ = ["DRUMS", "SoundFont", "Zone", "default_font", "font"]

DRUMS = 128
"""The bank of drum kits: a key is an instrument there (General MIDI: 36 kick, 38 snare, 42 closed hat, 46 open)."""

FONT_NAME = "TimGM6mb.sf2"


def default_font() -> Path:
    """The sound font that the installed pretty_midi package carries (T. Brechbill, 2004, GPL-2); it is not imported.

    Raises
    ------
    DataError
        pretty_midi, or its font, is not installed.
    """
    package = find_spec("pretty_midi")
    for folder in (package.submodule_search_locations or ()) if package else ():
        path = Path(folder) / FONT_NAME
        if path.is_file():
            return path
    raise DataError(f"{FONT_NAME} was not found; install it with: pip install 'pretty_midi>=0.2.11,<0.3'")


def font(path: Path | None = None) -> SoundFont:
    """The font at `path` (None: the default one), read once in a process."""
    return _load((path or default_font()).resolve())


@lru_cache(maxsize=4)
def _load(path: Path) -> SoundFont:
    return SoundFont(path)


class SoundFont:
    """A SoundFont 2 file, read whole; zones are merged when first asked for.

    Attributes
    ----------
    path : Path
    digest : str
        sha256 of the file.
    presets : mapping of (bank, program) to the preset's name
    pool : np.ndarray
        (frames,) int16: the audio of all samples; a zone says which frames are its own.

    Raises
    ------
    DataError
        The file is absent, truncated or not a SoundFont 2 file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DataError(f"sound font {path} cannot be read: {error.strerror}") from error
        try:
            self._tables = read_tables(content)
        except DataError as error:
            raise DataError(f"sound font {path}: {error}") from None
        self.digest = hashlib.sha256(content).hexdigest()
        self.pool: np.ndarray = self._tables.pool
        heads = self._tables.presets[:-1]
        self._rows = {(int(head["bank"]), int(head["program"])): row for row, head in enumerate(heads)}
        self.presets: Mapping[tuple[int, int], str] = MappingProxyType(
            {key: text(heads[row]["name"]) for key, row in sorted(self._rows.items())}
        )
        self._zones: dict[tuple[int, int], tuple[Zone, ...]] = {}

    def zones(self, bank: int, program: int) -> tuple[Zone, ...]:
        """All zones of a preset that can sound, in the order of the file.

        Raises
        ------
        DataError
            No such preset, or its zones name what the file does not hold.
        """
        if (bank, program) not in self._zones:
            if (bank, program) not in self._rows:
                known = f"programs {[p for b, p in self.presets if b == bank]} of this bank"
                raise DataError(
                    f"sound font {self.path} has no preset (bank {bank}, program {program}); it has {known}"
                )
            try:
                self._zones[bank, program] = self._merge(self._rows[bank, program])
            except DataError as error:
                raise DataError(f"sound font {self.path}, preset ({bank}, {program}): {error}") from None
        return self._zones[bank, program]

    def match(self, bank: int, program: int, key: int, velocity: int) -> tuple[Zone, ...]:
        """The zones that sound together for a key and a velocity, both 0 to 127; none: the preset is silent there."""
        return tuple(zone for zone in self.zones(bank, program) if zone.sounds(key, velocity))

    def _merge(self, row: int) -> tuple[Zone, ...]:
        tables = self._tables
        merged = []
        for preset in _layers(tables.presets, row, tables.preset_bags, tables.preset_generators, Op.INSTRUMENT):
            index = preset[Op.INSTRUMENT]
            if index >= len(tables.instruments) - 1:
                raise DataError(f"a zone names instrument {index} of {len(tables.instruments) - 1}")
            for instrument in _layers(
                tables.instruments, index, tables.instrument_bags, tables.instrument_generators, Op.SAMPLE
            ):
                zone = merge(preset, instrument, tables.samples, len(tables.pool))
                if zone is not None:
                    merged.append(zone)
        return tuple(merged)


def _layers(heads: np.ndarray, row: int, bags: np.ndarray, generators: np.ndarray, leaf: Op) -> list[dict[int, int]]:
    """Amounts by operator for each zone of a preset or instrument, over those of its global zone.

    The first zone is global if it names no `leaf`; a later one without is to be ignored (section 7.3 and 7.7).
    """
    first, last = int(heads[row]["bag"]), int(heads[row + 1]["bag"])
    shared: dict[int, int] = {}
    layers = []
    for bag in range(first, last):
        slots = generators[int(bags[bag]["generator"]) : int(bags[bag + 1]["generator"])]
        own = dict(zip(slots["operator"].tolist(), slots["amount"].tolist(), strict=True))
        if leaf in own:
            layers.append({**shared, **own})
        elif bag == first:
            shared = own
    return layers
