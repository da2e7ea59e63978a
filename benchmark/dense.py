"""The dense net of a (task, profile, data, seed): trained once, shared by every method through the cache."""

from __future__ import annotations

from pathlib import Path

import torch

from benchmark import protocol, training
from benchmark.digest import digest_json, digest_source
from benchmark.fits import kept_fit
from benchmark.plugins import Plugin
from benchmark.staleness import task_digest
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
    return kept_fit(
        "dense",
        dense_key(plugin, data, profile, seed),
        lambda: protocol.train_dense(task, data, profile, seed, on_check),
    )
