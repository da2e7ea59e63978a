"""The cache when files are damaged, processes die, and several build the same."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest

from benchmark.data import cache
from benchmark.data.cache import cached_arrays
from benchmark.errors import DataError

from .cached import SPEC, Builder, another_process, assert_sound, entry


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
