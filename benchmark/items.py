"""Per-item arrays behind the scores of a record, and the file that they lie in.

In the npz, `sources` (items,) is the source of every test item, and `<metric id>/<array>` of shape (rounds, items)
holds what the metric's reduction takes; an array that is the same in every round has one row.

Such files come from strangers: what is read here has a bounded size, and takes bounded memory to reduce.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmark.errors import RecordError

MAX_BYTES = 1_000_000
"""A file larger than this is not read."""
MAX_UNPACKED = 64_000_000
"""Nor one that unpacks to more than this."""
MAX_ITEMS = 1_000_000
CLASSES = ("truth", "guess", "label")
"""Arrays of class numbers. These become columns, so that a single hostile one could ask for any amount of memory."""
MAX_CLASSES = 1024
MAX_CELLS = 4_000_000
"""Items times classes: what a reduction lays out."""
MAX_VALUE = 1e12
"""Of any other number, so that no sum overflows."""


@dataclass(frozen=True)
class Items:
    """Per-item arrays of a record's test scores, in memory."""

    sources: np.ndarray
    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    """metric id -> array name -> (rounds, items)."""

    def of(self, metric: str, row: int) -> dict[str, np.ndarray]:
        """What the metric's reduction takes for one round, each (items,)."""
        return {name: a[row if len(a) > 1 else 0] for name, a in self.arrays[metric].items()}


def pack(items: Items) -> bytes:
    """As the bytes of an npz; the same arrays give the same bytes."""
    flat = {"sources": items.sources}
    for metric, arrays in items.arrays.items():
        flat |= {f"{metric}/{name}": array for name, array in arrays.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(flat):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(flat[name]), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def unpack(side: Path) -> Items:
    """Read the file that :func:`pack` gave.

    Raises
    ------
    RecordError
        The file is absent, damaged, or not such a file.
    """
    try:
        if side.stat().st_size > MAX_BYTES:
            raise RecordError(f"{side}: larger than {MAX_BYTES} bytes")
        with zipfile.ZipFile(side) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED:
                raise RecordError(f"{side}: unpacks to more than {MAX_UNPACKED} bytes")
        with np.load(side, allow_pickle=False) as file:
            flat = {name: file[name] for name in file.files}
    except _UNREADABLE as error:
        raise RecordError(f"{side}: not readable ({error}); restore it, or delete the record and run again") from error
    sources = flat.pop("sources", None)
    # A member that is no array comes as bytes.
    if not isinstance(sources, np.ndarray) or sources.ndim != 1 or sources.dtype.kind not in "iu":
        raise RecordError(f"{side}: has no array 'sources' of one whole number an item")
    if not 0 < len(sources) <= MAX_ITEMS:
        raise RecordError(f"{side}: has {len(sources)} items, wanted 1 to {MAX_ITEMS}")
    items = Items(sources)
    for name, array in flat.items():
        metric, _, part = name.rpartition("/")
        if not isinstance(array, np.ndarray):
            raise RecordError(f"{side}: {name} is no array")
        if array.ndim != 2 or not len(array) or array.shape[1] != len(sources):
            raise RecordError(f"{side}: {name} is {array.shape}, wanted (rounds, {len(sources)})")
        if why := unfit(part, array):
            raise RecordError(f"{side}: {name} has {why}")
        items.arrays.setdefault(metric, {})[part] = array
    return items


def unfit(part: str, values: np.ndarray) -> str:
    """What keeps an array (..., items) from being a metric's `part`, in words; empty: nothing."""
    if not values.size:
        return "no items"
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        return "something that is not a finite number"
    least, most = float(values.min()), float(values.max())
    if part not in CLASSES:
        return f"a number beyond {MAX_VALUE:g}" if max(-least, most) > MAX_VALUE else ""
    if values.dtype.kind == "f":
        return "class numbers that are no integers"
    if least < 0 or most >= MAX_CLASSES:
        return f"class numbers outside 0 to {MAX_CLASSES - 1}"
    cells = int(most + 1) * values.shape[-1]
    return f"{cells} classes times items, of {MAX_CELLS}" if cells > MAX_CELLS else ""


# Whatever zipfile, zlib and numpy raise on bytes that are not what they say. A RecordError passes: it is none of them.
_UNREADABLE = (
    *(OSError, EOFError, ValueError, TypeError, KeyError, MemoryError, RuntimeError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error),
)
