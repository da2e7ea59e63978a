"""Split manifests: who is on which side, written down once as JSON and never changed.

A manifest says of every item what it belongs to, and of every rotation which folds are on which side::

    {
      "data": "name of the data set",
      "about": "how the folds came about",
      "items": {"id": {"fold": "0", "source": "...", "artist": "..."}, ...},
      "rotations": [{"train": ["2"], "validation": ["1"], "test": ["0"]}, ...]
    }

Besides `fold` and `source`, an item may name whatever else must not be on two sides (artist, album, player). An item
whose fold is on no side of a rotation is not used there. The digest of a manifest stands in the code of the task that
reads it, so that an edit of the file is an error and not another benchmark.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Literal

from benchmark.digest import digest_json
from benchmark.errors import DataError

Side = Literal["train", "validation", "test"]
SIDES: tuple[Side, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Manifest:
    """A split as it was written down."""

    data: str
    items: Mapping[str, Mapping[str, str]]
    """By id: its fold, its source, and what else must not be on two sides."""
    rotations: tuple[Mapping[Side, frozenset[str]], ...]
    """Folds of each side."""

    def side(self, item: str, seed: int) -> Side | None:
        """The side of an item in the rotation of a seed; None: it is not used there, or is not of the data set."""
        if item not in self.items:
            return None
        folds = self.rotations[seed % len(self.rotations)]
        return next((side for side in SIDES if self.items[item]["fold"] in folds[side]), None)

    def members(self, seed: int) -> dict[Side, list[str]]:
        """Items of each side, in the order of the manifest."""
        sides: dict[Side, list[str]] = {side: [] for side in SIDES}
        for item in self.items:
            side = self.side(item, seed)
            if side:
                sides[side].append(item)
        return sides

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Every source; its place is its number, whatever files are missing."""
        return tuple(sorted({about["source"] for about in self.items.values()}))


def read(path: Path, digest: str) -> Manifest:
    """A manifest that nobody has edited and that leaks nothing.

    Parameters
    ----------
    path
        The JSON file.
    digest
        :func:`benchmark.digest.digest_json` of what it must hold.

    Raises
    ------
    DataError
        It is absent, not JSON, of another content, or has something on two sides of a rotation.
    """
    try:
        stated = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"split {path} cannot be read ({error.strerror}): take it from the repository") from error
    except ValueError as error:
        raise DataError(f"split {path} is not JSON ({error}): take it from the repository") from error
    if digest_json(stated) != digest:
        raise DataError(f"split {path} is not the published one: a split never changes; take it from the repository")
    rotations = tuple({side: frozenset(turn[side]) for side in SIDES} for turn in stated["rotations"])
    manifest = Manifest(stated["data"], stated["items"], rotations)
    for leak in leaks(manifest):
        raise DataError(f"split {path}: {leak}")
    return manifest


def leaks(manifest: Manifest) -> list[str]:
    """Whatever is on two sides of a rotation: folds, sources, artists and what else items name; none in a sound one."""
    found = []
    kinds = sorted({kind for about in manifest.items.values() for kind in about} - {"fold"})
    for turn, folds in enumerate(manifest.rotations):
        members = manifest.members(turn)
        names = {("fold", side): set(folds[side]) for side in SIDES} | {
            (kind, side): {manifest.items[item][kind] for item in members[side] if kind in manifest.items[item]}
            for kind in kinds
            for side in SIDES
        }
        for kind in ("fold", *kinds):
            for one, other in combinations(SIDES, 2):
                shared = names[kind, one] & names[kind, other]
                found += [f"{kind} {name!r} is in {one} and {other} of rotation {turn}" for name in sorted(shared)]
    return found
