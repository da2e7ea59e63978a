"""A cache of arrays, addressed by what they were made from, and checked when opened.

The folder `<cache>/<kind>/<digest of the spec>/` holds one `.npy` file an array and `index.json`, which is written
last and says of each file its size, shape, dtype and sha256. An entry appears whole, by one rename; a damaged one is
built again. Deleting any of it is safe.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmark.digest import digest_json, digest_source
from benchmark.errors import DataError

INDEX = "index.json"
TEMPORARY = ".building-"
ABANDONED_SECONDS = 24 * 3600

_log = logging.getLogger("trimbench")
_verified: set[Path] = set()


class _DamagedError(Exception):
    """An entry is not what its index says; the text says why."""


def cache_folder() -> Path:
    """The folder of everything that can be made again, created where absent.

    It is `$TRIMBENCH_CACHE`, or else `trimbench` in the user's cache folder of the platform.

    Raises
    ------
    DataError
        The folder cannot be created or written to.
    """
    folder = _chosen_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(folder, PermissionError("no permission to write"))
    return folder


def generator_digest(*sources: ModuleType | Path) -> str:
    """Digest of the code that makes an entry: of modules, packages (whole folders), files or folders."""
    return digest_json([digest_source(_source_path(source)) for source in sources])


def cached_arrays(
    kind: str, spec: Mapping[str, object], build: Callable[[], Mapping[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """The arrays that `build` makes, from the cache where it has them.

    Parameters
    ----------
    kind
        Name of the subfolder: letters, digits, `-` and `_`.
    spec
        All that the arrays depend on, JSON-ready: parameters, seeds, the digest of the code that makes them
        (:func:`generator_digest`) and of what it reads (:func:`benchmark.data.notes.renderer_digest`). Whatever is
        missing here is a stale entry some day.
    build
        Makes the arrays, names (of the same alphabet) to arrays of numbers; called only where there is no sound entry.

    Returns
    -------
    dict of str to np.ndarray
        Read-only, memory-mapped.

    Raises
    ------
    DataError
        The cache cannot be written.
    ValueError
        A name has other characters, or an array holds Python objects.
    """
    folder = cache_folder() / _plain(kind) / digest_json(dict(spec))
    found = _look_up(folder, spec)
    if found is not None:
        return found
    arrays = build()
    try:
        folder.parent.mkdir(exist_ok=True)
        _remove_abandoned(folder.parent)
        with _temporary_folder(folder.parent) as temporary:
            _write(temporary / "entry", spec, arrays)
            _publish(temporary / "entry", folder, spec)
    except OSError as error:
        raise _unwritable(folder.parent, error) from error
    try:
        return _open(folder, spec)
    except _DamagedError as damage:
        raise DataError(f"cache entry {folder} was written and is damaged ({damage}): check the disk") from damage


def _look_up(folder: Path, spec: Mapping[str, object]) -> dict[str, np.ndarray] | None:
    """The arrays of an entry; None where there is none, or, with a warning, where it is damaged."""
    if not folder.exists():
        return None
    try:
        return _open(folder, spec)
    except _DamagedError as damage:
        _verified.discard(folder)
        _log.warning("cache entry %s is damaged (%s): building it again", folder, damage)
        return None


def _open(folder: Path, spec: Mapping[str, object]) -> dict[str, np.ndarray]:
    """The arrays of an entry; sizes are checked every time, contents once in a process."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        if digest_json(index["spec"]) != digest_json(dict(spec)):
            raise _DamagedError("its index is of another spec")
        arrays = {_plain(name): _open_array(folder, name, stated) for name, stated in index["arrays"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _DamagedError(f"{type(error).__name__}: {error}") from error
    _verified.add(folder)
    return arrays


def _open_array(folder: Path, name: str, stated: Mapping[str, Any]) -> np.ndarray:
    path = folder / f"{name}.npy"
    if path.stat().st_size != stated["bytes"]:
        raise _DamagedError(f"{path.name} has {path.stat().st_size} bytes of {stated['bytes']}")
    if folder not in _verified and _digest_file(path) != stated["sha256"]:
        raise _DamagedError(f"{path.name} has another sha256 than when it was written")
    array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    if list(array.shape) != stated["shape"] or array.dtype.str != stated["dtype"]:
        raise _DamagedError(f"{path.name} has another shape or dtype than its index says")
    return array


def _write(folder: Path, spec: Mapping[str, object], arrays: Mapping[str, np.ndarray]) -> None:
    folder.mkdir()
    stated = {}
    for name, array in arrays.items():
        path = folder / f"{_plain(name)}.npy"
        np.save(path, array, allow_pickle=False)
        stated[name] = {
            "bytes": path.stat().st_size,
            "shape": list(array.shape),
            "dtype": array.dtype.str,
            "sha256": _digest_file(path),
        }
    text = json.dumps({"spec": dict(spec), "arrays": stated}, indent=1, sort_keys=True, allow_nan=False)
    (folder / INDEX).write_text(text + "\n", encoding="utf-8")


def _publish(entry: Path, folder: Path, spec: Mapping[str, object]) -> None:
    """Rename a finished entry to its place; where another process was first, its entry stays."""
    for _ in range(3):
        try:
            entry.replace(folder)
        except OSError as error:
            reason = error.strerror
        else:
            return
        # A folder with files in it is in the way: the sound entry of a racer, or the damaged one.
        try:
            _open(folder, spec)
        except _DamagedError:
            _remove(folder)
        else:
            return
    raise DataError(f"cache entry {folder} cannot be replaced ({reason}): close what uses it, or delete it")


def _remove(folder: Path) -> None:
    """Take an entry away by a rename, so that nobody ever sees half of it, and then delete it."""
    # A racer may have been faster; files that are open cannot be moved on Windows, and the caller tries again.
    with _temporary_folder(folder.parent) as grave, suppress(FileNotFoundError, PermissionError):
        folder.replace(grave / folder.name)


@contextmanager
def _temporary_folder(parent: Path) -> Iterator[Path]:
    folder = parent / f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(8)}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(parent: Path) -> None:
    """Remove what killed processes left half built, a day later: a living one may still be writing."""
    for folder in parent.glob(f"{TEMPORARY}*"):
        try:
            abandoned = time.time() - folder.stat().st_mtime > ABANDONED_SECONDS
        except FileNotFoundError:
            continue
        if abandoned:
            shutil.rmtree(folder, ignore_errors=True)


def _digest_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"{name!r} cannot be a file's name: use letters, digits, '-' and '_'")
    return name


def _source_path(source: ModuleType | Path) -> Path:
    if isinstance(source, Path):
        return source
    path = Path(str(source.__file__))
    return path.parent if path.name == "__init__.py" else path


def _chosen_folder() -> Path:
    chosen = os.environ.get("TRIMBENCH_CACHE")
    try:
        if chosen:
            return Path(chosen).expanduser().absolute()
        home = Path.home()
    except RuntimeError as error:
        raise DataError(f"the home folder is not known ({error}): set TRIMBENCH_CACHE to a folder") from error
    if sys.platform == "darwin":
        base = home / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "trimbench"


def _unwritable(folder: Path, error: OSError) -> DataError:
    reason = error.strerror or str(error)
    return DataError(f"cache folder {folder} cannot be written ({reason}): set TRIMBENCH_CACHE to one that can")
