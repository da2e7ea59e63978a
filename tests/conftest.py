"""Fixtures of the harness's tests: a house of one's own, with a task that trains in a blink."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before any test imports torch: workers share the cores
ROOT = Path(__file__).resolve().parent.parent
SMOKE = ("run", "--task", "toy", "--profile", "smoke", "--seeds", "0")


@dataclass(frozen=True)
class House:
    """A copy of the harness and baselines with the task `toy`, its own cache and results."""

    root: Path

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "PYTHONPATH": str(self.root),
            "TRIMBENCH_CACHE": str(self.root / "cache"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m benchmark ARGUMENTS` in this house."""
        return subprocess.run(
            self.command(*arguments), cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=300
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, not waited for; what it prints comes through pipes."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A suite that is started in the background ignores the signal, and so would whatever it starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    @staticmethod
    def command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "benchmark", *arguments]


def build(root: Path) -> House:
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in ("benchmark", "baselines"):
        shutil.copytree(ROOT / folder, root / folder, ignore=ignore)
    (root / "tasks" / "toy").mkdir(parents=True)
    (root / "tasks" / "__init__.py").touch()
    shutil.copy(ROOT / "tests" / "toy_task.py", root / "tasks" / "toy" / "__init__.py")
    return House(root)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A fresh house."""
    return build(tmp_path / "house")


@pytest.fixture(scope="session")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house where magnitude has been measured on smoke, seed 0; not to be changed."""
    house = build(tmp_path_factory.mktemp("lived-in") / "house")
    done = house.run(*SMOKE, "--criterion", "magnitude", "--no-controls", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    return house


@pytest.fixture
def magnitude(lived_in: House, tmp_path: Path) -> House:
    """A copy of the lived-in house."""
    shutil.copytree(lived_in.root, tmp_path / "house")
    return House(tmp_path / "house")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees or fills the cache of the person who runs it; all tests share one, those of other workers too."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    monkeypatch.setenv("TRIMBENCH_CACHE", str(base / "shared-cache"))
    yield


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    """Weights that a test leaves to chance are those of any other run, whatever its worker has done before."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that at the end no worker waits for another."""
    items.sort(key=lambda item: "long" not in item.keywords)
