"""Trained nets in the cache, each in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmark.data.cache import cache_folder
from benchmark.errors import DataError
from benchmark.files import write_whole
from benchmark.states import load_state, save_state
from benchmark.training import Fit


def kept_fit(kind: str, identity: str, train: Callable[[], Fit]) -> tuple[Fit, bool]:
    """The fit of that identity, and whether it came from the cache; absent or damaged, it is trained.

    Parameters
    ----------
    kind
        The cache's folder.
    identity
        Content address: a digest of everything that the weights depend on.
    """
    folder = cache_folder() / kind / identity
    try:
        return _read(folder), True
    except (DataError, OSError, ValueError, TypeError, KeyError):
        pass
    fit = train()
    _write(folder, fit)
    return fit, False


def _write(folder: Path, fit: Fit) -> None:
    save_state(folder / "trained.safetensors", fit.state)
    if fit.kept is not None:
        save_state(folder / "rewind.safetensors", fit.kept)
    facts = {name: value for name, value in asdict(fit).items() if name not in ("state", "kept")}
    facts["keeps"] = fit.kept is not None
    write_whole(folder / "fit.json", json.dumps(facts).encode())


def _read(folder: Path) -> Fit:
    facts = json.loads((folder / "fit.json").read_bytes())
    # Folders of before hold dense nets only, which all keep a state.
    kept = load_state(folder / "rewind.safetensors") if facts.pop("keeps", True) else None
    return Fit(state=load_state(folder / "trained.safetensors"), kept=kept, **facts)
