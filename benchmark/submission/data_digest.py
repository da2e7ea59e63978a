"""A task's data made in a process and a cache of its own: whether they are the same is no matter of what is kept."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from benchmark import plugins
from benchmark.digest import digest_arrays
from benchmark.errors import DataError
from benchmark.task import Data

ROWS_AT_ONCE = 512


def content(data: Data) -> str:
    """Sha256 over what the model is fed, the targets and the sources of all splits."""
    arrays = []
    for split in (data.train, data.validation, data.test):
        for rows in torch.arange(len(split)).split(ROWS_AT_ONCE):
            batch = split.batch(rows)
            arrays += [batch.inputs.contiguous().numpy(), batch.targets.contiguous().numpy()]
        arrays.append(split.sources)
    return digest_arrays(arrays)


def made_again(plugin: plugins.Plugin, name: str, home: Path | None) -> tuple[str, str]:
    """Stated digest and content digest of the smoke data of seed 0, in a new process that finds nothing ready.

    Raises
    ------
    DataError
        They cannot be made there: the last line of why.
    """
    paths = [str(plugins.ROOT), *sys.path[:1], os.environ.get("PYTHONPATH", "")]
    with tempfile.TemporaryDirectory() as cache:
        variables = os.environ | {"TRIMBENCH_CACHE": cache, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        command = [sys.executable, "-m", __name__, str(plugin.path), name, str(home or "")]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DataError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    stated, counted = done.stdout.split()[-2:]
    return stated, counted


def _main(path: str, name: str, home: str) -> None:
    task = plugins.task_of(plugins.at(Path(path))).on(name)
    data = task.data(name, Path(home) if home else None, "smoke", 0)
    sys.stdout.write(f"{data.digest} {content(data)}\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    _main(*sys.argv[1:])
