"""The dense net of a (task, profile, data, seed): trained once, shared by every method through the cache."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch

from benchmark import protocol, training
from benchmark.data.cache import cache_folder
from benchmark.digest import digest_json, digest_source
from benchmark.errors import DataError
from benchmark.files import write_whole
from benchmark.plugins import Plugin
from benchmark.staleness import task_digest
from benchmark.states import load_state, save_state
from benchmark.task import Data, Profile, Task
from benchmark.training import Fit


def dense_key(plugin: Plugin, data: Data, profile: Profile, seed: int) -> str:
    """Content address of a dense net: everything that its weights depend on."""
    return digest_json(
        {
            "task": task_digest(plugin),
            "training": digest_source(Path(training.__file__)),
            "protocol": protocol.VERSION,
            "data": data.digest,
            "profile": profile,
            "seed": seed,
            "torch": torch.__version__,
        }
    )


def trained_dense(
    plugin: Plugin, task: Task, data: Data, profile: Profile, seed: int, on_check: protocol.OnCheck
) -> tuple[Fit, bool]:
    """The dense fit, and whether it came from the cache; a damaged entry is trained again."""
    folder = cache_folder() / "dense" / dense_key(plugin, data, profile, seed)
    try:
        return _read(folder), True
    except (DataError, OSError, ValueError, TypeError, KeyError):
        pass
    fit = protocol.train_dense(task, data, profile, seed, on_check)
    _write(folder, fit)
    return fit, False


def _write(folder: Path, fit: Fit) -> None:
    save_state(folder / "trained.safetensors", fit.state)
    save_state(folder / "rewind.safetensors", fit.kept or {})
    facts = {name: value for name, value in asdict(fit).items() if name not in ("state", "kept")}
    write_whole(folder / "fit.json", json.dumps(facts).encode())


def _read(folder: Path) -> Fit:
    facts = json.loads((folder / "fit.json").read_bytes())
    return Fit(
        state=load_state(folder / "trained.safetensors"),
        kept=load_state(folder / "rewind.safetensors"),
        **facts,
    )
