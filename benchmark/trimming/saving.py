"""A trimmed model on disk: weights without pickled code, and beside them what modules store."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmark.trimming.coupling import Stored
from benchmark.trimming.load import load


def save(path: str | os.PathLike[str], model: nn.Module, stored: Iterable[Stored] = ()) -> None:
    """Write a model's state to `<path>.pt` and the integers that follow it (`Coupling.stored`) to `<path>.json`.

    Each file is whole or not there.
    """
    _whole(Path(f"{path}.pt"), lambda temporary: torch.save(model.state_dict(), temporary))
    content = {"version": 1, "stored": [asdict(entry) for entry in stored]}
    _whole(Path(f"{path}.json"), lambda temporary: temporary.write_text(json.dumps(content), encoding="utf-8"))


def restore(path: str | os.PathLike[str], model: nn.Module) -> nn.Module:
    """Load what `save` wrote into a model of the same architecture and any width, in place, and return the model.

    Raises
    ------
    ValueError
        A file is not what `save` writes, or does not fit the model. The model is then as it was.
    """
    content = Path(f"{path}.json").read_text(encoding="utf-8")
    try:
        data = json.loads(content)
        if data.keys() != {"version", "stored"} or data["version"] != 1:
            raise ValueError("wanted version 1 and stored")
        stored = [_entry(value) for value in data["stored"]]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path}.json is not what was saved with a trimmed model: {error}") from None
    try:
        state = dict(torch.load(f"{path}.pt", weights_only=True, map_location="cpu"))
    except Exception as error:  # torch raises many kinds, and advises to trust the file
        raise ValueError(f"{path}.pt is not a file of weights: {type(error).__name__}") from None
    if not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{path}.pt is not a file of weights")
    return load(model, state, stored)


def _entry(value: object) -> Stored:
    if not isinstance(value, dict) or value.keys() != {field.name for field in fields(Stored)}:
        raise ValueError(f"wanted {', '.join(field.name for field in fields(Stored))}")
    entry = Stored(**value)
    names = (entry.module, entry.attribute, entry.tensor)
    numbers = (entry.dim, entry.divisor, entry.index or 0)
    if any(type(name) is not str for name in names) or any(type(n) is not int or n < 0 for n in numbers):
        raise ValueError("names must be strings, and numbers integers from 0 on")
    return entry


def _whole(path: Path, write: Callable[[Path], object]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
