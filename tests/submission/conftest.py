"""The toy task as a plugin from elsewhere, and honest records of it of every kind of method."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmark import plugins, run
from benchmark.records import RunKey
from tests.conftest import ROOT

METHODS = (
    *("magnitude", "magnitude-reinit", "random-units30", "magnitude-masked", "magnitude-hybrid", "masking"),
    *("narrow", "narrow+", "dense+", "magnitude-oneshot-finetune", "magnitude-rewind50"),
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for `--plugins` with the task `toy`."""
    found = tmp_path_factory.mktemp("plugins")
    (found / "toy").mkdir()
    shutil.copy(ROOT / "tests" / "toy_task.py", found / "toy" / "__init__.py")
    return found


@pytest.fixture
def toy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The task `toy` is found."""
    monkeypatch.setenv(plugins.FOLDERS, str(folder))
    return folder


@pytest.fixture(scope="session")
def measured(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of every kind of method on smoke, seed 0, their weights in the cache beside them; not to be changed."""
    home = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(plugins.FOLDERS, str(folder))
        patch.setenv("TRIMBENCH_CACHE", str(home / "cache"))
        patch.setattr(run, "CLOCK_SECONDS", dict.fromkeys(run.CLOCK_SECONDS, 0.005))
        for method in METHODS:
            run.perform(RunKey("toy", "made", "smoke", method, 0), home / "results", None)
    return home


@pytest.fixture
def results(measured: Path, toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the records, to be tampered with; the weights are at hand."""
    monkeypatch.setenv("TRIMBENCH_CACHE", str(measured / "cache"))
    shutil.copytree(measured / "results", tmp_path / "results")
    return tmp_path / "results"
