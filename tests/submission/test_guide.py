"""CONTRIBUTING.md: its criterion is as short as it says, passes, and what the commands are said to say they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark import cli
from tests.conftest import ROOT, House

GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CRITERION, TEST = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
MOST_LINES = 15


def test_the_criterion_is_short() -> None:
    assert len(CRITERION.splitlines()) <= MOST_LINES


def test_the_criterion_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "spread.py"
    path.write_text(CRITERION)
    assert cli.main(["check", str(path)]) == 0
    assert capsys.readouterr().out in GUIDE


def test_the_slip_gets_the_lines_that_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = "evidence.activations.variance\n"
    (slip,) = re.findall(r"Had it written `(.*?)`", GUIDE)
    path = tmp_path / "spread.py"
    path.write_text(CRITERION.replace(good, f"{slip}\n"))
    assert cli.main(["check", str(path)]) == 3
    assert capsys.readouterr().out in GUIDE


def test_the_test_of_the_criterion_passes(house: House) -> None:
    (house.root / "baselines" / "spread.py").write_text(CRITERION)
    (house.root / "test_spread.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_spread.py"]
    done = subprocess.run(
        command, cwd=house.root, env=house.environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert "1 passed" in done.stdout, done.stdout
