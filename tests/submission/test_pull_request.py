"""What the forge does with a pull request: all that changed and nothing else, and an exit code."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT, House
from tests.submission.test_check_criterion import GOOD


def git(house: House, *arguments: str) -> None:
    name = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(["git", *name, *arguments], cwd=house.root, check=True, capture_output=True)


@pytest.fixture
def checkout(house: House) -> House:
    """A house under git, with an empty leaderboard."""
    shutil.copytree(ROOT / ".ci", house.root / ".ci")
    house.results.mkdir()
    (house.results / ".gitkeep").touch()
    assert house.run("leaderboard").returncode == 0
    (house.root / ".gitignore").write_text("cache/\n__pycache__/\n")
    git(house, "init", "-q", "-b", "main")
    git(house, "add", "-A")
    git(house, "commit", "-q", "-m", "before")
    git(house, "tag", "base")
    return house


def submitted(house: House) -> subprocess.CompletedProcess[str]:
    git(house, "add", "-A")
    git(house, "commit", "-q", "-m", "submission")
    command = ["bash", ".ci/submission", "base", sys.executable]
    return subprocess.run(
        command, cwd=house.root, env=house.environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_a_good_criterion_goes_in_and_nothing_else_is_looked_at(checkout: House):
    (checkout.root / "baselines" / "mine.py").write_text(GOOD)
    done = submitted(checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "check baselines/mine.py\n" in done.stdout
    assert "criterion mine: good" in done.stdout
    assert "benchmark verify" not in done.stdout


def test_whatever_is_wrong_is_told_at_once(checkout: House):
    (checkout.root / "baselines" / "mine.py").write_text(GOOD.replace('licence="MIT"', 'licence=""'))
    record = checkout.results / "toy" / "made" / "quick" / "my method+" / "seed0.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    (checkout.root / "leaderboard.md").write_text("first place: mine\n")
    done = submitted(checkout)
    assert done.returncode == 3
    assert "the card has no licence" in done.stdout
    assert "schema None, this version reads 1" in done.stdout
    assert "Traceback" not in done.stderr
    assert "leaderboard --check" in done.stdout
