from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.data import cache


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An empty cache, in which nothing has been verified."""
    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_verified", set())
    return tmp_path / "cache"
