"""Skeletons: a criterion or a task that works as it is, with its test, to be made one's own."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path

from benchmark import methods, plugins
from benchmark.errors import UsageError, did_you_mean

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
FILES: dict[str, dict[str, str]] = {
    "criterion": {
        "criterion.txt": "baselines/NAME.py",
        "criterion_test.txt": "tests/baselines/test_NAME.py",
    },
    "task": {
        "task/__init__.txt": "tasks/NAME/__init__.py",
        "task/data.txt": "tasks/NAME/data.py",
        "task/model.txt": "tasks/NAME/model.py",
        "task/task.txt": "tasks/NAME/task.py",
        "task_test.txt": "tests/tasks/test_NAME.py",
    },
}
"""Kind -> template -> the file that it becomes."""


def write(kind: str, name: str, root: Path = plugins.ROOT) -> list[Path]:
    """Write a skeleton into the checkout at `root`; the files written, relative to it.

    Raises
    ------
    UsageError
        The name will not do, or a file is there already; then nothing was written.
    """
    if kind not in FILES:
        raise UsageError(f"no skeleton of a {kind!r}: {did_you_mean(kind, FILES)}")
    if why := unusable(name):
        raise UsageError(f"{name!r} cannot be the name of a {kind}: {why}")
    places = {template: root / path.replace("NAME", name) for template, path in FILES[kind].items()}
    folder = root / "tasks" / name
    there = [path for path in (*places.values(), *([folder] if kind == "task" else [])) if path.exists()]
    if there:
        raise UsageError(f"{there[0]} is there already, and nothing is overwritten: choose another name")
    templates = resources.files("benchmark.submission") / "templates"
    for template, path in places.items():
        text = templates.joinpath(template).read_text(encoding="utf-8").replace("NAME", name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}; run this in a checkout of your own") from error
    return [path.relative_to(root) for path in places.values()]


def unusable(name: str) -> str:
    """Why a name will not do for a plugin that is to be written; empty where it will."""
    if why := misnamed(name):
        return why
    taken = {"task": plugins.tasks(), "criterion": plugins.criteria()}
    found = [f"a {kind} ({known[name].path})" for kind, known in taken.items() if name in known]
    return f"it is taken by {found[0]}; choose another" if found else ""


def misnamed(name: str) -> str:
    """What is wrong with a name by itself; empty where nothing is."""
    if not NAME.fullmatch(name):
        return "it takes a small letter, then small letters, digits and _, at most 40 (a dash begins a variant)"
    if keyword.iskeyword(name):
        return "it is a word of Python; choose another"
    if name in methods.CONTROLS or name in methods.VARIANTS:
        return "a control or variant has that name; choose another"
    return ""
