"""Digests: the sha256 of a value, of files, of arrays and of source code, the same on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def digest_json(value: object) -> str:
    """Sha256 of the canonical JSON of `value`: sorted keys, no spaces, UTF-8; a tuple is a list.

    Raises
    ------
    ValueError
        `value` holds NaN or an infinity, which JSON does not have.
    TypeError
        `value` holds something that is not JSON (a NumPy number, a path), or a key that is not a string.
    """
    _require_string_keys(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_files(paths: Iterable[Path]) -> str:
    """Sha256 over the name (last part) and the text of files, in sorted order, whatever their line endings."""
    return _digest_named((path.name, path.read_bytes()) for path in paths)


def digest_arrays(arrays: Iterable[np.ndarray]) -> str:
    """Sha256 over dtype, shape and little-endian C-ordered bytes of arrays, in the order given.

    Raises
    ------
    TypeError
        An array holds Python objects, whose bytes are addresses.
    """
    import numpy as np

    total = hashlib.sha256()
    for array in arrays:
        if array.dtype.hasobject:
            raise TypeError(f"an array of dtype {array.dtype} holds Python objects and has no digest")
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        total.update(f"{plain.dtype.str} {array.shape}\n".encode())
        total.update(plain.tobytes())
    return total.hexdigest()


def digest_source(folder_or_file: Path) -> str:
    """Sha256 over the Python source of a folder (all `.py` below it, by relative name) or of one file.

    Raises
    ------
    FileNotFoundError
        There is no such file, or no Python source in the folder: a digest of nothing would never change.
    """
    if folder_or_file.is_file():
        return digest_files([folder_or_file])
    sources = [path for path in folder_or_file.rglob("*.py") if "__pycache__" not in path.parts]
    if not sources:
        raise FileNotFoundError(f"no Python source in {folder_or_file}")
    return _digest_named((path.relative_to(folder_or_file).as_posix(), path.read_bytes()) for path in sources)


def _digest_named(files: Iterable[tuple[str, bytes]]) -> str:
    total = hashlib.sha256()
    for name, content in sorted((name, _unix_lines(content)) for name, content in files):
        # Lengths keep ("ab", "c") and ("a", "bc") apart.
        total.update(f"{len(name.encode())} {len(content)}\n{name}".encode())
        total.update(content)
    return total.hexdigest()


def _unix_lines(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _require_string_keys(value: object) -> None:
    """`json` would write the keys 1 and "1" alike."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is not a string")
            _require_string_keys(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _require_string_keys(item)
