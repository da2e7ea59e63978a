"""What a file leads to by its imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.imports import reached


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    files = {
        "__init__.py": "from .task import task\n",
        "task.py": "import json\nfrom . import model, SIZE\nfrom .deep.layer import Layer\n",
        "model.py": "def later():\n    from .late import x\n",
        "late.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .types import T\n",
        "types.py": "",
        "compare.py": "from .task import task\n",
        "deep/__init__.py": "",
        "deep/layer.py": "from .. import up\n",
        "up.py": "from . import task\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def names(folder: Path, *more: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in reached(folder / "__init__.py", (folder, *more))}


def test_imports_are_followed_into_functions_packages_and_round_circles(package):
    assert names(package) == {
        *("__init__.py", "task.py", "model.py", "late.py", "types.py", "up.py"),
        *("deep/__init__.py", "deep/layer.py"),
    }


def test_what_lies_elsewhere_is_not_followed(package):
    (package / "task.py").write_text("import benchmark.audio.scores\nfrom benchmark.task import Task\nimport numpy\n")
    assert names(package) == {"__init__.py", "task.py"}


def test_absolute_imports_lead_into_the_folders_that_are_named(package):
    audio = Path(__file__).resolve().parents[1] / "benchmark" / "audio"
    (package / "task.py").write_text("from benchmark.audio import distances\n")
    found = {p.name for p in reached(package / "__init__.py", (package, audio)) if p.is_relative_to(audio)}
    assert {"__init__.py", "distances.py", "spectra.py"} <= found
    assert "examples.py" not in found
