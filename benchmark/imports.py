"""Which files of a few folders a Python file imports, and what those import: read from the source, nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def reached(start: Path, folders: Sequence[Path]) -> list[Path]:
    """`start` and every file below `folders` that it leads to by `import`, sorted.

    Imports inside functions and those for type checkers count: what might run is more than what always runs.

    Parameters
    ----------
    start
        A Python file.
    folders
        Imports that lead elsewhere are not followed.

    Raises
    ------
    SyntaxError
        A file is no Python.
    """
    within = [folder.resolve() for folder in folders]
    found: set[Path] = set()
    ahead = [start.resolve()]
    while ahead:
        here = ahead.pop()
        if here in found:
            continue
        found.add(here)
        ahead += [path for path in _imported(here) if any(path.is_relative_to(folder) for folder in within)]
    return sorted(found)


def _imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield from _files(ROOT, name.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = path.parents[node.level - 1] if node.level else ROOT
            parts = node.module.split(".") if node.module else []
            for name in node.names:
                yield from _files(base, [*parts, name.name])


def _files(base: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Files of a module and of the packages around it; the last part may be a name in the module instead."""
    for length in range(len(parts) + 1):
        place = base.joinpath(*parts[:length])
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                yield path.resolve()
