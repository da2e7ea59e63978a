"""The cache: built once, by what it is made of, where the platform has such things."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.data import cache, notes, soundfont
from benchmark.data.cache import cache_folder, cached_arrays, generator_digest
from benchmark.digest import digest_json, digest_source
from benchmark.errors import DataError

from .cached import SPEC, Builder, another_process, assert_sound, entry

pytestmark = pytest.mark.usefixtures("home")

# --- what is promised


def test_builds_once(home, caplog):
    build = Builder()
    for _ in range(3):
        assert_sound(cached_arrays("chords", SPEC, build))
        another_process()
    assert build.calls == 1
    assert not caplog.records
    assert sorted(path.name for path in entry(home).iterdir()) == ["audio.npy", "index.json", "labels.npy"]
    assert [path.name for path in (home / "chords").iterdir()] == [entry(home).name]


def test_arrays_are_mapped_and_read_only():
    arrays = cached_arrays("chords", SPEC, Builder())
    assert isinstance(arrays["audio"], np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        arrays["audio"][0, 0] = 1


def test_index_says_what_is_there(home):
    cached_arrays("chords", SPEC, Builder())
    index = json.loads((entry(home) / "index.json").read_text())
    assert index["spec"] == SPEC
    assert index["arrays"]["audio"]["shape"] == [3, 1000]
    assert index["arrays"]["audio"]["dtype"] == "<i2"
    assert index["arrays"]["audio"]["bytes"] == (entry(home) / "audio.npy").stat().st_size


@pytest.mark.parametrize("change", [{"clips": 4}, {"code": "abd"}, {"more": None}, {"rate": 16000.5}])
def test_another_spec_is_another_entry(change):
    build = Builder()
    cached_arrays("chords", SPEC, build)
    cached_arrays("chords", {**SPEC, **change}, build)
    assert build.calls == 2


def test_another_kind_is_another_entry_and_the_order_of_keys_is_not():
    build = Builder()
    cached_arrays("chords", SPEC, build)
    cached_arrays("chords", dict(reversed(SPEC.items())), build)
    assert build.calls == 1
    cached_arrays("drums", SPEC, build)
    assert build.calls == 2


@pytest.mark.parametrize(
    "array", [np.zeros((0, 5), np.float32), np.array(3.5), np.ones((2, 3), bool), np.zeros(3, "U4")]
)
def test_odd_arrays_survive(array):
    for _ in range(2):
        again = cached_arrays("odd", {"s": array.dtype.str}, lambda: {"x": array})["x"]
        assert (again.shape, again.dtype) == (array.shape, array.dtype)
        np.testing.assert_array_equal(again, array)


# --- refused


def test_objects_are_never_pickled(home):
    with pytest.raises(ValueError, match="allow_pickle=False"):
        cached_arrays("chords", SPEC, lambda: {"x": np.array([None])})
    assert list((home / "chords").iterdir()) == []


@pytest.mark.parametrize("name", ["", "..", "a/b", "a.b", "ä", "a\n"])
def test_names_are_plain(name):
    with pytest.raises(ValueError, match="cannot be a file's name"):
        cached_arrays(name, SPEC, Builder())
    with pytest.raises(ValueError, match="cannot be a file's name"):
        cached_arrays("chords", SPEC, lambda: {name: np.zeros(1)})


def test_an_unwritable_cache_is_one_line_with_the_mend(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match=r"cannot be written \(Not a directory\): set TRIMBENCH_CACHE") as caught:
        cached_arrays("chords", SPEC, Builder())
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_one_line_too(home, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.np, "save", full)
    with pytest.raises(DataError, match=r"\(No space left on device\): set TRIMBENCH_CACHE"):
        cached_arrays("chords", SPEC, Builder())
    assert list((home / "chords").iterdir()) == []


# --- where


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", None, ".cache/trimbench"),
        ("linux", "XDG_CACHE_HOME", "chosen/trimbench"),
        ("darwin", None, "Library/Caches/trimbench"),
        ("win32", None, "AppData/Local/trimbench"),
        ("win32", "LOCALAPPDATA", "chosen/trimbench"),
    ],
)
def test_cache_folder_of_the_platform(tmp_path, monkeypatch, platform, variable, expected):
    for name in ("TRIMBENCH_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", platform)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "chosen"))
    assert cache_folder() == tmp_path / expected
    assert cache_folder().is_dir()


def test_generator_digest_covers_modules_packages_and_paths(tmp_path):
    file = tmp_path / "make.py"
    file.write_text("a = 1\n")
    before = generator_digest(notes, file)
    assert before == generator_digest(Path(notes.__file__), file)
    assert before != generator_digest(soundfont, file)
    file.write_text("a = 2\n")
    assert before != generator_digest(notes, file)
    package = sys.modules["benchmark.data"]
    assert generator_digest(package) == digest_json([digest_source(Path(notes.__file__).parent)])
