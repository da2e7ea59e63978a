"""The cache: built once, never believed blindly, never half there."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmark.data import cache, notes, soundfont
from benchmark.data.cache import cache_folder, cached_arrays, generator_digest
from benchmark.digest import digest_json, digest_source
from benchmark.errors import DataError

SPEC = {"clips": 3, "rate": 16000, "code": "abc"}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_verified", set())
    return tmp_path / "cache"


class Builder:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.calls += 1
        return {"audio": np.arange(3000, dtype=np.int16).reshape(3, 1000), "labels": np.array([2, 0, 1])}


def entry(home: Path) -> Path:
    return home / "chords" / digest_json(SPEC)


def assert_sound(arrays: dict[str, np.ndarray]) -> None:
    wanted = Builder()()
    assert arrays.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype


def another_process() -> None:
    """Forget what this process has verified."""
    cache._verified.clear()


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


# --- damage


def flip_a_byte(folder: Path) -> None:
    content = bytearray((folder / "audio.npy").read_bytes())
    content[-77] ^= 1
    (folder / "audio.npy").write_bytes(content)


def truncate(folder: Path) -> None:
    content = (folder / "audio.npy").read_bytes()
    (folder / "audio.npy").write_bytes(content[:-1])


def swap_a_pickle(folder: Path) -> None:
    """A pickle in an .npy coat, with an index that vouches for it."""
    np.save(folder / "audio.npy", np.array([None, Trap()], dtype=object), allow_pickle=True)
    index = json.loads((folder / "index.json").read_text())
    index["arrays"]["audio"]["bytes"] = (folder / "audio.npy").stat().st_size
    index["arrays"]["audio"]["sha256"] = cache._digest_file(folder / "audio.npy")
    (folder / "index.json").write_text(json.dumps(index))


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def change_index(**changes: object):
    def damage(folder: Path) -> None:
        index = json.loads((folder / "index.json").read_text())
        index["arrays"]["audio"].update(changes)
        (folder / "index.json").write_text(json.dumps(index))

    damage.__name__ = f"change_{'_'.join(changes)}"
    return damage


def other_spec(folder: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({**index, "spec": {}}))


def path_out_of_the_entry(folder: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    index["arrays"]["../audio"] = index["arrays"].pop("audio")
    (folder / "index.json").write_text(json.dumps(index))


DAMAGES = [
    flip_a_byte,
    truncate,
    swap_a_pickle,
    other_spec,
    path_out_of_the_entry,
    change_index(shape=[1000, 3]),
    change_index(dtype="<u2"),
    change_index(sha256="0" * 64),
    lambda folder: (folder / "audio.npy").unlink(),
    lambda folder: (folder / "index.json").unlink(),
    lambda folder: (folder / "index.json").write_text('{"spec": {'),
    lambda folder: (folder / "index.json").write_text("[]"),
    lambda folder: (folder / "index.json").write_bytes(b"\xff\xfe"),
    lambda folder: (folder / "index.json").write_text(json.dumps({"spec": SPEC, "arrays": [1]})),
    lambda folder: (folder / "index.json").write_text(json.dumps({"spec": SPEC, "arrays": {"audio": {}}})),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_built_again_with_one_line(home, caplog, damage):
    build = Builder()
    cached_arrays("chords", SPEC, build)
    damage(entry(home))
    another_process()
    with caplog.at_level(logging.WARNING, "trimbench"):
        assert_sound(cached_arrays("chords", SPEC, build))
    assert build.calls == 2
    (record,) = caplog.records
    assert "is damaged" in record.message
    assert "\n" not in record.message
    another_process()
    assert_sound(cached_arrays("chords", SPEC, build))
    assert build.calls == 2
    assert [path.name for path in (home / "chords").iterdir()] == [entry(home).name]


def test_sizes_are_checked_even_after_the_first_opening(home):
    build = Builder()
    cached_arrays("chords", SPEC, build)
    cached_arrays("chords", SPEC, build)
    truncate(entry(home))
    assert_sound(cached_arrays("chords", SPEC, build))
    assert build.calls == 2


def test_a_file_in_the_place_of_an_entry_is_replaced(home):
    (home / "chords").mkdir(parents=True)
    entry(home).write_text("not a folder")
    assert_sound(cached_arrays("chords", SPEC, Builder()))


# --- killed and racing


def test_killed_before_the_index_leaves_no_entry(home, monkeypatch):
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(cache.json, "dumps", killed)
        patch.setattr(cache, "digest_json", lambda value: entry(home).name)
        cached_arrays("chords", SPEC, Builder())
    assert not entry(home).exists()
    assert_sound(cached_arrays("chords", SPEC, Builder()))


def _die_in_the_middle(home: str) -> None:
    os.environ["TRIMBENCH_CACHE"] = home
    cache._publish = lambda *_: os._exit(9)
    cached_arrays("chords", SPEC, Builder())


def test_killed_for_good_before_the_rename(home):
    process = multiprocessing.get_context("spawn").Process(target=_die_in_the_middle, args=(str(home),))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    (left,) = (home / "chords").iterdir()
    assert left.name.startswith(".building-")
    assert_sound(cached_arrays("chords", SPEC, Builder()))
    assert left.exists(), "it may belong to a process that is still writing"
    old = time.time() - 2 * 24 * 3600
    os.utime(left, (old, old))
    cached_arrays("chords", {"another": 1}, Builder())
    assert not left.exists()


def _race(home: str, barrier, results) -> None:
    os.environ["TRIMBENCH_CACHE"] = home
    build = Builder()

    def together() -> dict[str, np.ndarray]:
        barrier.wait(60)
        return build()

    try:
        assert_sound(cached_arrays("chords", SPEC, together))
        results.put((build.calls, ""))
    except BaseException as error:
        results.put((build.calls, repr(error)))


@pytest.mark.parametrize("damaged", [False, True])
def test_racing_processes_agree(home, damaged):
    if damaged:
        cached_arrays("chords", SPEC, Builder())
        flip_a_byte(entry(home))
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    racers = [context.Process(target=_race, args=(str(home), barrier, results)) for _ in range(2)]
    for racer in racers:
        racer.start()
    outcomes = [results.get(timeout=60) for _ in racers]
    for racer in racers:
        racer.join(60)
    assert outcomes == [(1, ""), (1, "")]
    assert [path.name for path in (home / "chords").iterdir()] == [entry(home).name]
    another_process()
    build = Builder()
    assert_sound(cached_arrays("chords", SPEC, build))
    assert build.calls == 0


def test_the_entry_of_a_faster_racer_stays(home):
    def slow() -> dict[str, np.ndarray]:
        cached_arrays("chords", SPEC, Builder())
        os.utime(entry(home) / "audio.npy", (1, 1))
        return Builder()()

    assert_sound(cached_arrays("chords", SPEC, slow))
    assert (entry(home) / "audio.npy").stat().st_mtime == 1


def test_an_entry_that_a_racer_takes_away_is_tried_again(home, monkeypatch):
    refusals = [OSError(39, "Directory not empty"), PermissionError(13, "in use")]
    replace = Path.replace

    def racing(path: Path, target: Path) -> Path:
        if refusals and target == entry(home):
            raise refusals.pop()
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", racing)
    assert_sound(cached_arrays("chords", SPEC, Builder()))
    assert not refusals


def test_an_entry_that_cannot_be_replaced_says_so(home, monkeypatch):
    def refuse(path: Path, target: Path) -> Path:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(DataError, match=r"cannot be replaced \(in use\): close what uses it"):
        cached_arrays("chords", SPEC, Builder())
    assert list((home / "chords").iterdir()) == []


def test_a_disk_that_loses_what_was_written_is_named(home, monkeypatch):
    cached_arrays("chords", SPEC, Builder())
    truncate(entry(home))
    publish = cache._publish

    def lossy(*args) -> None:
        publish(*args)
        flip_a_byte(entry(home))

    monkeypatch.setattr(cache, "_publish", lossy)
    with pytest.raises(DataError, match=r"another sha256.*check the disk"):
        cached_arrays("chords", SPEC, Builder())


def test_a_failing_build_leaves_nothing(home):
    def fail() -> dict[str, np.ndarray]:
        raise OSError("the source file is gone")

    with pytest.raises(OSError, match="the source file is gone"):
        cached_arrays("chords", SPEC, fail)
    assert not list(home.rglob("*.npy"))


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
