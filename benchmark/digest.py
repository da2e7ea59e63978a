"""Digests: the sha256 of a value, of files, of arrays and of source code, the same on every machine."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import tokenize
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


def digest_source(*places: Path) -> str:
    """Sha256 over the Python code of files and folders (all `.py` below, by relative name), without its prose.

    Comments, docstrings and blank lines do not count: to word a thing better is not to change what it computes.

    Raises
    ------
    FileNotFoundError
        There is no such file, or no Python source in the folder: a digest of nothing would never change.
    """
    return _digest_named((name, code(path.read_bytes())) for place in places for name, path in _sources(place))


def code(source: bytes) -> bytes:
    """Python source without comments, strings that stand as statements, blank lines and trailing space.

    Source that does not parse is given back whole.
    """
    try:
        tree = ast.parse(source)
        tokens = list(tokenize.tokenize(io.BytesIO(source).readline))
    except (SyntaxError, ValueError, tokenize.TokenError):
        return source
    lines = source.decode(tokens[0].string).splitlines()
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            _blank_if_alone(lines, node)
    return "\n".join(line.rstrip() for line in lines if line.strip()).encode()


def _blank_if_alone(lines: list[str], node: ast.Expr) -> None:
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    before = lines[first].encode()[: node.col_offset]
    after = lines[last].encode()[node.end_col_offset :]
    if not before.strip() and not after.strip():
        lines[first : last + 1] = [""] * (last - first + 1)


def _sources(place: Path) -> list[tuple[str, Path]]:
    if place.is_file():
        return [(place.name, place)]
    found = [path for path in place.rglob("*.py") if "__pycache__" not in path.parts]
    if not found:
        raise FileNotFoundError(f"no Python source in {place}")
    return [(path.relative_to(place).as_posix(), path) for path in found]


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
