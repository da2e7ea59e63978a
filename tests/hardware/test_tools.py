"""What exporting and executing need: named with the command that installs it, stopped when it hangs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmark.errors import BenchError, UsageError
from benchmark.hardware import tools
from benchmark.hardware.artefact import PROGRAMS
from benchmark.hardware.boards import load
from tests.hardware.nets import need


def test_whatever_a_board_needs_is_known_with_its_installation() -> None:
    assert {board.family for board in load().values()} == set(PROGRAMS)
    for name in {name for names in PROGRAMS.values() for name in names}:
        assert name in tools.TOOLS or name in tools.MODULES
    assert all(package in tools.APT.split() for tool in tools.TOOLS.values() for package in tool.packages)


def test_what_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        UsageError, match=r"^avr-gcc, which compiles for AVR, is not installed: sudo apt-get install gcc-"
    ):
        tools.program("avr-gcc")
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"package onnx is not installed: pip install 'trimbench\[boards\]'"):
        tools.modules("onnx")
    assert [line.split(",")[0] for line in tools.missing("gcc", "avr-gcc")] == ["gcc", "avr-gcc"]


def test_a_program_that_hangs_is_stopped() -> None:
    with pytest.raises(tools.TimeLimitError, match=r"the sleeper did not end within 0\.2 s and was stopped"):
        tools.run([sys.executable, "-c", "import time; time.sleep(30)"], seconds=0.2, what="the sleeper")


def test_other_work_on_the_computer_makes_no_program_too_slow() -> None:
    asleep = [sys.executable, "-c", "import time; time.sleep(1.2)"]
    assert tools.run(asleep, seconds=1, what="the sleeper", patience=20).returncode == 0
    busy = [sys.executable, "-c", "while True: pass"]
    with pytest.raises(tools.TimeLimitError, match=r"the worker did not end within 1 s and was stopped"):
        tools.run(busy, seconds=1, what="the worker", patience=20)


def test_a_helper_is_built_once(tmp_path: Path) -> None:
    need("gcc")
    source = tmp_path / "answer.c"
    source.write_text("int main(void) { return ANSWER; }\n")
    path = tools.built("answer", source, flags=("-DANSWER=42",))
    assert tools.run([str(path)], seconds=10, what="it").returncode == 42
    before = path.stat().st_mtime_ns
    assert tools.built("answer", source, flags=("-DANSWER=42",)).stat().st_mtime_ns == before
    other = tools.built("answer", source, flags=("-DANSWER=43",))
    assert other != path and tools.run([str(other)], seconds=10, what="it").returncode == 43
    with pytest.raises(BenchError, match=r"answer\.c does not compile"):
        tools.built("answer", source)


def test_versions_are_read_from_what_programs_say() -> None:
    assert tools.version(sys.executable) == ".".join(map(str, sys.version_info[:3]))


def test_the_continuous_integration_installs_whatever_is_needed() -> None:
    here = Path(__file__).resolve().parents[2]
    installed = (here / ".ci" / "packages").read_text(encoding="utf-8").split()
    assert {package for tool in tools.TOOLS.values() for package in tool.packages} <= set(installed)
