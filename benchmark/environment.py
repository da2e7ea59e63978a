"""What machine and what software a number was measured on; says nothing about whose machine it is."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from benchmark import __version__

PACKAGES = (
    *("torch", "numpy", "scipy", "librosa", "soundfile", "soxr", "mir_eval", "pretty_midi", "mirdata", "pandas"),
    *("safetensors", "ptflops", "matplotlib", "onnx", "onnxruntime", "ray"),
)


def environment() -> dict[str, object]:
    """Machine, versions and revision of the code, ready for JSON; what cannot be found out is None.

    Imports nothing heavy. Threads and GPUs are torch's answer, so they are None and empty unless the program has
    already imported torch. There are no user names, host names or paths in it.
    """
    return {
        "trimbench": __version__,
        "revision": revision(Path(__file__).parent),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_bytes": _memory(),
        "threads": _threads(),
        "gpus": _gpus(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def revision(folder: Path) -> dict[str, object] | None:
    """The commit of the checkout that `folder`, a package, is part of, and whether files differ from it.

    `{"commit": 40 hex digits, "dirty": bool}`. What the bench itself writes there, `results/` and `leaderboard.md`,
    does not make it dirty. None: not a checkout, no commit yet, or no git. A package that is merely installed
    somewhere below another project's checkout is not part of it.
    """
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if commit is None or _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    ours = (":(top)", ":(top,exclude)results", ":(top,exclude)leaderboard.md")
    changes = _git(folder, "status", "--porcelain", "--", *ours)
    return None if changes is None else {"commit": commit, "dirty": bool(changes)}


def _git(folder: Path, *arguments: str) -> str | None:
    # A git hook exports where *its* repository is, which would override the folder.
    variables = {k: v for k, v in os.environ.items() if k not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")}
    # No optional locks: asking for the status must not get in the way of a git that runs at the same time.
    return _output("git", "--no-optional-locks", "-C", str(folder), *arguments, variables=variables)


def _output(*command: str, variables: dict[str, str] | None = None) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True, env=variables)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu() -> str | None:
    """The model's name as the system says it."""
    if sys.platform == "darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string")
    if sys.platform == "linux":
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        # ARM kernels name the board, if anything.
        if name := fields.get("model name") or fields.get("Model") or fields.get("Hardware"):
            return name
    return platform.processor() or None


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _threads() -> int | None:
    return sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None


def _gpus() -> list[str]:
    if "torch" not in sys.modules:
        return []
    torch = sys.modules["torch"]
    if torch.cuda.is_available():
        return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ["Apple GPU"] if torch.backends.mps.is_available() else []
