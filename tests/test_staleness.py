"""What makes a record stale, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark import methods, plugins
from benchmark.plugins import Plugin
from benchmark.staleness import code_digests, task_digest


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Mine."""\nfrom .task import task\n')
    (folder / "task.py").write_text("task = 1\n")
    (folder / "compare.py").write_text("from .task import task\n")
    return Plugin("mine", "mine", folder, "Mine.", loose=True)


def test_a_file_that_the_task_imports_counts(plugin):
    before = task_digest(plugin)
    (plugin.path / "task.py").write_text("task = 2\n")
    assert task_digest(plugin) != before


def test_a_file_that_nobody_imports_and_prose_do_not_count(plugin):
    before = task_digest(plugin)
    (plugin.path / "compare.py").write_text("print(1)\n")
    (plugin.path / "task.py").write_text('"""A word."""\n\ntask = 1  # one\n')
    assert task_digest(plugin) == before


def test_what_a_task_hears_with_counts_as_its_own(plugin, monkeypatch, tmp_path):
    audio = tmp_path / "audio"
    audio.mkdir()
    (audio / "scores.py").write_text("x = 1\n")
    monkeypatch.setattr("benchmark.staleness.HEARING", audio)
    monkeypatch.setattr("benchmark.imports.ROOT", tmp_path)
    (plugin.path / "task.py").write_text("from audio.scores import x\n")
    before = task_digest(plugin)
    (audio / "scores.py").write_text("x = 2\n")
    assert task_digest(plugin) != before


def test_a_control_does_not_depend_on_what_scores_units():
    name = next(iter(plugins.tasks()))
    control = set(code_digests(methods.method("narrow"), name))
    sweep = set(code_digests(methods.method("magnitude"), name))
    assert control == {"protocol", "training", "measure", "trimming", "task"}
    assert sweep - control == {"evidence", "criterion"}
