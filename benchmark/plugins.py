"""Finding tasks and criteria by where they lie: drop a folder into `tasks/` or a file into `baselines/`.

Others are found in the folders of `--plugins DIR` (files are criteria, folders are tasks) and among installed packages,
as entry points of the groups `trimbench.tasks` and `trimbench.criteria`. Listing reads docstrings without importing
anything, so it is fast and a broken plugin cannot break it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from benchmark.criterion import Criterion
from benchmark.errors import UsageError, did_you_mean
from benchmark.task import Card, Task

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = "TRIMBENCH_PLUGINS"
"""The environment variable with the folders of `--plugins`, so that the processes of a sweep have them too."""


@dataclass(frozen=True)
class Plugin:
    """A task or criterion as found on disk, not imported."""

    name: str
    module: str
    path: Path
    """Its folder, or its file."""
    summary: str
    """First line of its docstring, or what is wrong with the file."""
    loose: bool = False
    """It lies outside every package, so that its path and not its module's name says what to import."""

    @property
    def source(self) -> Path:
        """The file that is imported."""
        return self.path / "__init__.py" if self.path.is_dir() else self.path

    def load(self) -> ModuleType:
        """Import it.

        Raises
        ------
        UsageError
            It cannot be imported: where and why.
        """
        try:
            return _from_path(self) if self.loose else importlib.import_module(self.module)
        except Exception as error:
            raise UsageError(f"{self.path} cannot be imported: {type(error).__name__}: {error}") from error


def look_in(folders: Sequence[Path]) -> None:
    """Find plugins in these folders too, in this process and in those that it starts.

    Raises
    ------
    UsageError
        There is no such folder.
    """
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"--plugins {folder}: no such folder; name one with NAME.py (criteria) or NAME/ (tasks)")
    if folders:
        os.environ[FOLDERS] = os.pathsep.join(str(folder.resolve()) for folder in folders)


def tasks() -> dict[str, Plugin]:
    """Every task, by name: folders of `tasks/` that are packages, and those from elsewhere.

    Raises
    ------
    UsageError
        Two have the same name.
    """
    here = (p for p in _found(ROOT / "tasks") if p.path.is_dir())
    return _each_once([*here, *(p for p in _loose() if p.path.is_dir()), *_installed("trimbench.tasks")], "task")


def criteria() -> dict[str, Plugin]:
    """Every criterion, by name: files of `baselines/`, and those from elsewhere.

    Raises
    ------
    UsageError
        Two have the same name.
    """
    here = (p for p in _found(ROOT / "baselines") if p.path.is_file())
    found = [*here, *(p for p in _loose() if p.path.is_file()), *_installed("trimbench.criteria")]
    return _each_once(found, "criterion")


def task(name: str) -> Task:
    """Load the task of that name.

    Raises
    ------
    UsageError
        There is no such task, or its module has no `task` that fulfils the contract.
    """
    return task_of(_named(name, tasks(), "task"))


def criterion(name: str) -> Criterion:
    """Load the criterion of that name.

    Raises
    ------
    UsageError
        There is no such criterion, or its file lacks `card`, `needs` or `score`.
    """
    return criterion_of(_named(name, criteria(), "criterion"))


def task_of(plugin: Plugin) -> Task:
    """Load a task. Raises as `task`."""
    found = getattr(plugin.load(), "task", None)
    if not isinstance(found, Task):
        raise UsageError(f"{plugin.path} has no object `task` that is an instance of benchmark.task.Task")
    return found


def criterion_of(plugin: Plugin) -> Criterion:
    """Load a criterion. Raises as `criterion`."""
    module = plugin.load()
    card, needs, score = (getattr(module, part, None) for part in ("card", "needs", "score"))
    if not isinstance(card, Card) or not isinstance(needs, tuple) or not callable(score):
        raise UsageError(f"{plugin.path} must have `card` (a Card), `needs` (a tuple) and `score(group, evidence)`")
    return Criterion(plugin.name, card, needs, score)


def at(path: Path) -> Plugin:
    """The plugin that lies at a path, wherever that is: a file is a criterion, a folder is a task.

    Raises
    ------
    UsageError
        It is no Python file and no folder with an `__init__.py`.
    """
    path = path.resolve()
    for plugin in (*_found(ROOT / "tasks"), *_found(ROOT / "baselines")):
        if plugin.path == path:
            return plugin
    found = _at(path)
    if found is None:
        raise UsageError(f"{path} is no plugin: a criterion is a file NAME.py, a task a folder with an __init__.py")
    return found


def _named(name: str, known: dict[str, Plugin], kind: str) -> Plugin:
    if name not in known:
        raise UsageError(f"no {kind} {name!r}: {did_you_mean(name, known)}")
    return known[name]


def _each_once(found: Sequence[Plugin], kind: str) -> dict[str, Plugin]:
    by_name: dict[str, Plugin] = {}
    for plugin in found:
        other = by_name.setdefault(plugin.name, plugin)
        if other.path != plugin.path:
            raise UsageError(f"two of a name: {kind} {plugin.name!r} is {other.path} and {plugin.path}; rename one")
    return by_name


def _found(folder: Path) -> Iterator[Plugin]:
    for path in sorted(folder.iterdir()):
        if (plugin := _at(path)) is not None:
            yield Plugin(plugin.name, f"{folder.name}.{plugin.name}", path, plugin.summary)


def _loose() -> list[Plugin]:
    """Those in the folders of `--plugins`."""
    folders = [Path(part) for part in os.environ.get(FOLDERS, "").split(os.pathsep) if part]
    paths = (path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir()))
    return [plugin for path in paths if (plugin := _at(path)) is not None]


def _at(path: Path) -> Plugin | None:
    source = path / "__init__.py" if path.is_dir() else path
    name = path.name if path.is_dir() else path.stem
    if source.suffix != ".py" or not source.is_file() or name.startswith(("_", ".")):
        return None
    # A name of its own for every place, so that two files of one name are two modules.
    module = f"trimbench_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}_{name}"
    return Plugin(name, module, path, _summary(source), loose=True)


@lru_cache(maxsize=2)
def _installed(group: str) -> tuple[Plugin, ...]:
    """Entry points of installed packages: `NAME = "package.module"`, or `"package"` for a task."""
    from importlib.metadata import entry_points

    found = []
    for entry in entry_points(group=group):
        try:
            spec = importlib.util.find_spec(entry.value)
        except (ImportError, ValueError):
            spec = None
        if spec is None or spec.origin is None:
            raise UsageError(f"entry point {entry.name} = {entry.value!r} of {group}: no such module; reinstall it")
        source = Path(spec.origin)
        path = source.parent if source.name == "__init__.py" else source
        found.append(Plugin(entry.name, entry.value, path, _summary(source)))
    return tuple(found)


def _from_path(plugin: Plugin) -> ModuleType:
    if plugin.module in sys.modules:
        return sys.modules[plugin.module]
    inside = [str(plugin.path)] if plugin.path.is_dir() else None
    spec = importlib.util.spec_from_file_location(plugin.module, plugin.source, submodule_search_locations=inside)
    if spec is None or spec.loader is None:
        raise ImportError(f"{plugin.source} is no Python source")
    module = importlib.util.module_from_spec(spec)
    sys.modules[plugin.module] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[plugin.module]
        raise
    return module


def _summary(source: Path) -> str:
    try:
        doc = ast.get_docstring(ast.parse(source.read_bytes()))
    except (SyntaxError, ValueError) as error:
        return f"broken: {error}"
    return doc.splitlines()[0] if doc else "(no docstring)"
