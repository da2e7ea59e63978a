from __future__ import annotations

import getpass
import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import benchmark
from benchmark import environment as module
from benchmark.environment import environment, revision

git_only = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [s for v in value.values() for s in strings(v)]
    if isinstance(value, list):
        return [s for v in value for s in strings(v)]
    return [value] if isinstance(value, str) else []


def test_says_what_is_installed() -> None:
    found = environment()
    assert json.loads(json.dumps(found)) == found
    assert found["trimbench"] == benchmark.__version__
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["packages"]["torch"] == torch.__version__
    assert found["packages"]["mir_eval"]
    assert found["threads"] == torch.get_num_threads()
    assert found["cores"] >= 1
    assert found["cpu"]
    assert found["memory_bytes"] is None or found["memory_bytes"] > 2**28


def test_says_nothing_about_whose_machine_it_is() -> None:
    found = strings(environment())
    assert not [s for s in found if re.search(r"(^|\s)/\w|\w:\\", s)], "an absolute path"
    words = {word for s in found for word in re.split(r"[^\w.]+", s)}
    assert not words & {getpass.getuser(), socket.gethostname(), Path.home().name}


def test_absent_package_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGES", ("no-such-package-anywhere",))
    assert environment()["packages"] == {"no-such-package-anywhere": None}


def test_imports_nothing_heavy() -> None:
    code = (
        "import sys; from benchmark.environment import environment; e = environment();"
        "assert e['threads'] is None and e['gpus'] == [], e;"
        "heavy = {'torch', 'numpy', 'librosa', 'scipy', 'pandas'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(benchmark.__file__).parents[1])


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(variable, raising=False)
    root = tmp_path / "checkout"
    (root / "package").mkdir(parents=True)
    (root / "package" / "__init__.py").write_text("a = 1\n")
    git(root, "init", "--quiet")
    return root


@git_only
def test_revision_of_a_checkout(checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = checkout / "package"
    assert revision(package) is None, "no commit yet"
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "one")
    clean = {"commit": git(checkout, "rev-parse", "HEAD"), "dirty": False}
    assert revision(package) == clean
    # Where the program was started, and which repository a running git hook belongs to, do not matter.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert revision(package) == clean


@git_only
@pytest.mark.parametrize(
    ("path", "dirty"),
    [
        ("package/__init__.py", True),
        ("package/new.py", True),
        ("tasks/new.py", True),
        ("results/a/b.json", False),
        ("leaderboard.md", False),
        ("package/results/c.py", True),
    ],
)
def test_dirty(checkout: Path, path: str, dirty: bool) -> None:
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "one")
    (checkout / path).parent.mkdir(parents=True, exist_ok=True)
    (checkout / path).write_text("changed\n")
    assert revision(checkout / "package") == {"commit": git(checkout, "rev-parse", "HEAD"), "dirty": dirty}


@git_only
def test_installed_below_another_checkout_has_no_revision(checkout: Path) -> None:
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "one")
    installed = checkout / ".venv" / "site-packages" / "benchmark"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    assert revision(installed) is None


def test_no_git_no_revision(checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert revision(checkout / "package") is None


def test_outside_a_checkout_no_revision(tmp_path: Path) -> None:
    assert revision(tmp_path) is None
    assert revision(tmp_path / "absent") is None
