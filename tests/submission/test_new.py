"""`new`: skeletons that work as they are, and nothing overwritten."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.errors import UsageError
from benchmark.submission import skeletons
from tests.conftest import ROOT, SMOKE, House


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty checkout."""
    for folder in ("baselines", "tasks", "tests/baselines", "tests/tasks"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("criterion", {"baselines/mine.py", "tests/baselines/test_mine.py"}),
        ("task", {*(f"tasks/mine/{n}.py" for n in ("__init__", "data", "model", "task")), "tests/tasks/test_mine.py"}),
    ],
)
def test_a_skeleton_is_its_files_and_they_are_formatted(root, kind, files):
    assert {path.as_posix() for path in skeletons.write(kind, "mine", root)} == files
    assert {path.relative_to(root).as_posix() for path in root.rglob("*.py")} == files
    assert "NAME" not in "".join((root / name).read_text() for name in files)
    assert skeletons.FILES[kind].keys() <= {
        path.relative_to(ROOT / "benchmark/submission/templates").as_posix()
        for path in (ROOT / "benchmark/submission/templates").rglob("*.txt")
    }


def test_a_criterion_takes_at_most_fifteen_lines(root):
    skeletons.write("criterion", "mine", root)
    assert len((root / "baselines/mine.py").read_text().splitlines()) <= 15


@pytest.mark.parametrize(
    ("kind", "name", "line"),
    [
        ("criterium", "mine", "no skeleton of a 'criterium': did you mean 'criterion'"),
        ("criterion", "Mine", "'Mine' cannot be the name of a criterion: it takes a small letter"),
        ("criterion", "my-own", "a dash begins a variant"),
        ("criterion", "../mine", "it takes a small letter"),
        ("criterion", "x" * 41, "at most 40"),
        ("task", "class", "it is a word of Python"),
        ("criterion", "narrow", "a control or variant has that name"),
        ("criterion", "masked", "a control or variant has that name"),
        ("criterion", "magnitude", "it is taken by a criterion ("),
        ("task", "magnitude", "it is taken by a criterion ("),
    ],
)
def test_a_bad_name_is_refused_in_one_line(root, kind, name, line):
    with pytest.raises(UsageError) as caught:
        skeletons.write(kind, name, root)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(root.rglob("*.py"))


@pytest.mark.parametrize("there", ["baselines/mine.py", "tests/baselines/test_mine.py"])
def test_nothing_is_overwritten_and_then_nothing_is_written(root, there):
    (root / there).write_text("mine, and dear\n")
    with pytest.raises(UsageError, match="is there already, and nothing is overwritten: choose another name"):
        skeletons.write("criterion", "mine", root)
    assert [path.read_text() for path in root.rglob("*.py")] == ["mine, and dear\n"]


def test_a_folder_of_a_task_is_not_written_into(root):
    (root / "tasks" / "mine").mkdir()
    with pytest.raises(UsageError, match="is there already"):
        skeletons.write("task", "mine", root)


def pytest_of(house: House, *paths: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths]
    return subprocess.run(command, cwd=house.root, env=house.environment, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_skeletons_pass_check_and_their_own_tests_and_are_measured(house: House):
    for folder in ("baselines", "tasks"):
        (house.root / "tests" / folder).mkdir(parents=True)
    for kind, name in (("criterion", "mine"), ("task", "waves")):
        done = house.run("new", kind, name)
        assert done.returncode == 0, done.stderr
        assert f"python -m benchmark check {name}" in done.stdout
    done = house.run("check", "mine", "waves")
    assert done.stdout == ("criterion mine: good, the harness can run it\ntask waves: good, the harness can run it\n")
    assert done.returncode == 0
    done = pytest_of(house, "tests/baselines/test_mine.py", "tests/tasks/test_waves.py")
    assert "5 passed" in done.stdout, done.stdout
    every = ["run", "--task", "all", *SMOKE[3:], "--criterion", "mine", "--no-controls", "--jobs", "1"]
    done = house.run(*every)
    assert done.returncode == 0, done.stderr
    for task, data in (("toy", "made"), ("waves", "rendered")):
        assert (house.results / task / data / "smoke" / "mine" / "seed0.json").exists()
    done = house.run("verify")
    assert done.returncode == 0, done.stdout
    assert "2 records: 2 hold" in done.stdout


def test_the_templates_are_whole_python_of_the_houses_style(root, tmp_path):
    if shutil.which("ruff") is None and not (Path(sys.executable).parent / "ruff").exists():
        pytest.skip("ruff is not installed")
    for kind, name in (("criterion", "mine"), ("task", "waves")):
        skeletons.write(kind, name, root)
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "benchmark").symlink_to(ROOT / "benchmark")  # so that its imports are told from others'
    ruff = shutil.which("ruff", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    options = {"cwd": root, "capture_output": True, "text": True, "check": False}
    for command in (("check",), ("format", "--check")):
        done = subprocess.run([str(ruff), *command, "baselines", "tasks", "tests"], **options)
        assert done.returncode == 0, done.stdout
