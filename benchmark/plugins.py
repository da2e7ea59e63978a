"""Finding tasks and criteria by where they lie: drop a folder into `tasks/` or a file into `baselines/`.

Listing reads docstrings without importing anything, so it is fast and a broken plugin cannot break it.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from benchmark.criterion import Criterion
from benchmark.errors import UsageError, did_you_mean
from benchmark.task import Card, Task

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Plugin:
    """A task or criterion as found on disk, not imported."""

    name: str
    module: str
    path: Path
    """Its folder, or its file."""
    summary: str
    """First line of its docstring, or what is wrong with the file."""

    def load(self) -> ModuleType:
        """Import it.

        Raises
        ------
        UsageError
            It cannot be imported: where and why.
        """
        try:
            return importlib.import_module(self.module)
        except Exception as error:
            raise UsageError(f"{self.path} cannot be imported: {type(error).__name__}: {error}") from error


def tasks() -> dict[str, Plugin]:
    """Every folder of `tasks/` that is a package, by name."""
    return {p.name: p for p in _found(ROOT / "tasks") if p.path.is_dir()}


def criteria() -> dict[str, Plugin]:
    """Every file of `baselines/`, by name."""
    return {p.name: p for p in _found(ROOT / "baselines") if p.path.is_file()}


def task(name: str) -> Task:
    """Load the task of that name.

    Raises
    ------
    UsageError
        There is no such task, or its module has no `task` that fulfils the contract.
    """
    plugin = _named(name, tasks(), "task")
    found = getattr(plugin.load(), "task", None)
    if not isinstance(found, Task):
        raise UsageError(f"{plugin.path} has no object `task` that is an instance of benchmark.task.Task")
    return found


def criterion(name: str) -> Criterion:
    """Load the criterion of that name.

    Raises
    ------
    UsageError
        There is no such criterion, or its file lacks `card`, `needs` or `score`.
    """
    plugin = _named(name, criteria(), "criterion")
    module = plugin.load()
    card, needs, score = (getattr(module, part, None) for part in ("card", "needs", "score"))
    if not isinstance(card, Card) or not isinstance(needs, tuple) or not callable(score):
        raise UsageError(f"{plugin.path} must have `card` (a Card), `needs` (a tuple) and `score(group, evidence)`")
    return Criterion(name, card, needs, score)


def _named(name: str, known: dict[str, Plugin], kind: str) -> Plugin:
    if name not in known:
        raise UsageError(f"no {kind} {name!r}: {did_you_mean(name, known)}")
    return known[name]


def _found(folder: Path) -> Iterator[Plugin]:
    for path in sorted(folder.iterdir()):
        source = path / "__init__.py" if path.is_dir() else path
        name = path.stem if path.is_file() else path.name
        if source.suffix == ".py" and source.is_file() and not name.startswith(("_", ".")):
            yield Plugin(name, f"{folder.name}.{name}", path, _summary(source))


def _summary(source: Path) -> str:
    try:
        doc = ast.get_docstring(ast.parse(source.read_bytes()))
    except (SyntaxError, ValueError) as error:
        return f"broken: {error}"
    return doc.splitlines()[0] if doc else "(no docstring)"
