"""Programs and packages that exporting and executing need, each with the command that installs it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path

from benchmark.data.cache import cache_folder
from benchmark.digest import digest_json
from benchmark.errors import BenchError, UsageError
from benchmark.files import whole


@dataclass(frozen=True)
class Tool:
    """A program, what it is for, and the packages of Debian and Ubuntu that bring it."""

    purpose: str
    packages: tuple[str, ...]


TOOLS: dict[str, Tool] = {
    "arm-none-eabi-gcc": Tool("compiles for Cortex-M", ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi")),
    "qemu-system-arm": Tool("emulates Cortex-M", ("qemu-system-arm",)),
    "avr-gcc": Tool("compiles for AVR", ("gcc-avr", "avr-libc")),
    "simavr": Tool("emulates AVR", ("simavr", "libsimavr-dev", "libelf-dev")),
    "gcc": Tool("compiles the helpers of the emulators", ("gcc", "libc6-dev")),
    "qemu-aarch64": Tool("emulates the processor of a Raspberry Pi", ("qemu-user",)),
}
MODULES = ("onnx", "onnxruntime", "onnxscript", "emx_onnx_cgen")
"""Of Python; the extra `boards` brings them."""

APT = "sudo apt-get install " + " ".join(p for tool in TOOLS.values() for p in tool.packages)
"""Everything at once."""
PIP = "pip install 'trimbench[boards]'"

SIMAVR_HEADERS = Path("/usr/include/simavr/sim_avr.h")


def program(name: str) -> str:
    """Path of a program of :data:`TOOLS`.

    Raises
    ------
    UsageError
        It is not installed, with the command that installs it.
    """
    tool = TOOLS[name]
    path = shutil.which(name)
    if path is None or (name == "simavr" and not SIMAVR_HEADERS.exists()):
        raise UsageError(
            f"{name}, which {tool.purpose}, is not installed: sudo apt-get install {' '.join(tool.packages)}"
        )
    return path


def modules(*names: str) -> None:
    """Ask for packages of Python.

    Raises
    ------
    UsageError
        One cannot be found, with the command that installs it.
    """
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise UsageError(f"the Python package {name} is not installed: {PIP}")


def missing(*names: str) -> list[str]:
    """Those of the programs and packages that are not installed, each as a line that says how to mend it."""
    lines = []
    for name in names:
        try:
            if name in TOOLS:
                program(name)
            else:
                modules(name)
        except UsageError as error:
            lines.append(str(error))
    return lines


class TimeLimitError(BenchError):
    """A program was stopped because it took too long."""


def run(
    command: Sequence[str], *, seconds: float, what: str, cwd: Path | None = None, patience: float = 1
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever its exit code; what it prints is kept as text.

    Parameters
    ----------
    seconds
        That it may take.
    patience
        More than 1: these are seconds of the processor, and so many times as many may pass. What came of it then does
        not depend on what else the computer does.

    Raises
    ------
    TimeLimitError
        It took longer; `what` names it in the message.
    """
    slow = TimeLimitError(f"{what} did not end within {seconds:g} s and was stopped; give it longer with --limit")
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=patience * seconds,
            check=False,
            preexec_fn=partial(_limit, ceil(seconds)) if patience > 1 and os.name == "posix" else None,
        )
    except subprocess.TimeoutExpired as error:
        raise slow from error
    if done.returncode < 0 and -done.returncode == getattr(signal, "SIGXCPU", None):
        raise slow
    return done


def _limit(seconds: int) -> None:
    """Have the system stop this process after so many seconds of the processor."""
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def version(path: str) -> str:
    """The version that a program gives itself: the last number with dots in its first line."""
    said = run([path, "--version"], seconds=10, what=path)
    found = re.findall(r"\d+(?:\.\d+)+", (said.stdout or said.stderr).partition("\n")[0])
    return str(found[-1]) if found else "unknown"


def sizes(program_of_binutils: str, elf: Path) -> tuple[int, int, int]:
    """Bytes of text, data and bss of a program, by the `size` of its compiler."""
    said = run([program_of_binutils, str(elf)], seconds=10, what=program_of_binutils)
    text, data, bss = (int(number) for number in said.stdout.splitlines()[1].split()[:3])
    return text, data, bss


def built(name: str, source: Path, libraries: Sequence[str] = (), flags: Sequence[str] = ()) -> Path:
    """A helper of ours in C, compiled for this computer once and kept in the cache.

    Raises
    ------
    BenchError
        It does not compile: in the compiler's words.
    """
    compiler = program("gcc")
    identity = digest_json([source.read_text(encoding="utf-8"), *libraries, *flags])
    path = cache_folder() / "tools" / f"{name}-{identity[:16]}"
    if not path.exists():
        with whole(path) as part:
            command = [compiler, "-O2", *flags, str(source), "-o", str(part), *libraries]
            done = run(command, seconds=60, what="gcc")
            if done.returncode != 0:
                raise BenchError(f"{source.name} does not compile: {last_line(done.stderr)}")
    return path
