"""The system of a Raspberry Pi, fetched once: Python and the C library of Debian for arm64, onnxruntime and numpy.

    python -m benchmark.hardware.sysroot

Needs apt, dpkg and pip, no root, and about 50 MB from Debian's mirror and PyPI. Nothing is installed: the packages are
unpacked into the cache, and apt keeps its lists for arm64 in a folder that is thrown away.
"""

from __future__ import annotations

import platform
import re
import shutil
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.data.cache import cache_folder
from benchmark.errors import BenchError, UsageError
from benchmark.hardware import tools

ONNXRUNTIME = "1.27.0"
"""Later wheels for aarch64 crash while they are imported under QEMU (microsoft/onnxruntime issue 32501)."""
NUMPY = "2.4.6"
PACKAGES = ("python3-minimal", "libpython3-stdlib", "libstdc++6")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
COMMAND = "python -m benchmark.hardware.sysroot"
FETCH_SECONDS = 600.0


@dataclass(frozen=True)
class Sysroot:
    """Where it lies."""

    system: Path
    """Debian's packages, unpacked."""
    packages: Path
    """Those of Python."""

    @property
    def python(self) -> Path:
        """The interpreter, a program for aarch64."""
        return next((self.system / "usr" / "bin").glob("python3.[0-9]*"))


def found() -> Sysroot:
    """The fetched system.

    Raises
    ------
    UsageError
        It has not been fetched, with the command that does it.
    """
    folder = _folder()
    if not folder.exists():
        raise UsageError(f"the system of a Raspberry Pi is not there to be emulated (50 MB): {COMMAND}")
    return Sysroot(folder / "system", folder / "packages")


def fetch() -> Sysroot:
    """Fetch it where it is not there.

    Raises
    ------
    UsageError
        apt, dpkg or pip is not there.
    BenchError
        A package cannot be fetched: in the words of the program that tried.
    """
    folder = _folder()
    if folder.exists():
        return found()
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            raise UsageError(f"{program} is not there: the system of a Raspberry Pi is made of Debian's packages")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as name:
        place = Path(name)
        whole = Sysroot(place / "sysroot" / "system", place / "sysroot" / "packages")
        _debian(place / "apt", whole.system)
        _wheels(place / "wheels", whole.packages, whole.python.name.removeprefix("python"))
        whole.system.parent.rename(folder)
    return found()


def _folder() -> Path:
    return cache_folder() / "tools" / f"pi-onnxruntime-{ONNXRUNTIME}-numpy-{NUMPY}"


def _debian(place: Path, system: Path) -> None:
    """Unpack the packages and all that they depend on, as apt knows it, into `system`."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (place / part).mkdir(parents=True)
    (place / "status").touch()
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "Dir::State": f"{place}/state",
        # As if nothing were installed, so that everything is fetched.
        "Dir::State::status": f"{place}/status",
        "Dir::Cache": f"{place}/cache",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "",
    }
    apt = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items())]
    _must([*apt, "update"])
    _must([*apt, "install", "-y", "--download-only", "--no-install-recommends", *PACKAGES])
    system.mkdir(parents=True)
    for archive in sorted((place / "cache" / "archives").glob("*.deb")):
        _must(["dpkg", "-x", str(archive), str(system)])


def _wheels(place: Path, packages: Path, python: str) -> None:
    """Unpack wheels for that version of Python on aarch64 into `packages`."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(place)]
    command += [option for name in PLATFORMS for option in ("--platform", name)]
    command += ["--implementation", "cp", "--python-version", python]
    _must([*command, f"onnxruntime=={ONNXRUNTIME}", f"numpy=={NUMPY}"])
    for wheel in sorted(place.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)


def _must(command: Sequence[str]) -> None:
    done = tools.run(command, seconds=FETCH_SECONDS, what=command[0])
    if done.returncode != 0:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if re.match(r"E:|ERROR|error|dpkg", line)]
        said = lines[0] if lines else tools.last_line(done.stderr or done.stdout)
        raise BenchError(f"the system of a Raspberry Pi cannot be fetched on this {platform.system()}: {said}")


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{fetch().system.parent}\n")
    except BenchError as error:
        sys.exit(f"benchmark: {error}")
