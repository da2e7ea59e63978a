from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.digest import code, digest_arrays, digest_files, digest_json, digest_source


def test_json_is_canonical():
    assert digest_json({"b": (1, 2.5), "a": "é"}) == digest_json({"a": "é", "b": [1, 2.5]})
    # sha256 of the six bytes {"a":1}: anybody can check it with a shell.
    assert digest_json({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


@pytest.mark.parametrize(
    "other", [{"a": 2}, {"a": "1"}, {"a": 1.0}, {"a": True}, {"a": None}, {"b": 1}, [1], {"a": [1]}]
)
def test_json_tells_values_apart(other):
    assert digest_json(other) != digest_json({"a": 1})


@pytest.mark.parametrize("value", [float("nan"), [float("inf")]])
def test_json_refuses_what_json_has_not(value):
    with pytest.raises(ValueError, match="JSON"):
        digest_json(value)


def test_json_refuses_keys_that_would_collide():
    with pytest.raises(TypeError, match="key 1 is not a string"):
        digest_json({"a": [{1: "x"}]})


def test_files_by_name_and_text_not_by_order_place_or_line_ends(tmp_path: Path):
    for folder, end in (("x", b"\n"), ("y", b"\r\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_bytes(b"one" + end + b"two" + end)
        (tmp_path / folder / "b.py").write_bytes(b"three")
    x = [tmp_path / "x" / name for name in ("a.py", "b.py")]
    y = [tmp_path / "y" / name for name in ("b.py", "a.py")]
    assert digest_files(x) == digest_files(y)
    (tmp_path / "y" / "b.py").write_bytes(b"four")
    assert digest_files(x) != digest_files(y)


def test_files_keep_name_and_content_apart(tmp_path: Path):
    (tmp_path / "ab").write_text("c")
    (tmp_path / "a").write_text("bc")
    assert digest_files([tmp_path / "ab"]) != digest_files([tmp_path / "a"])


def test_arrays():
    a = np.arange(6, dtype=np.int16)
    base = digest_arrays([a.reshape(2, 3)])
    assert base == digest_arrays([np.asfortranarray(a.reshape(2, 3))])
    assert base == digest_arrays([a.astype(">i2").reshape(2, 3)])
    assert base != digest_arrays([a.reshape(3, 2)])
    assert base != digest_arrays([a.astype(np.int32).reshape(2, 3)])
    assert base != digest_arrays([(a + 1).reshape(2, 3)])
    assert digest_arrays([a[:2], a[2:]]) != digest_arrays([a[:3], a[3:]])
    with pytest.raises(TypeError, match="objects"):
        digest_arrays([np.array([None])])


def test_source_of_a_folder(tmp_path: Path):
    (tmp_path / "sub" / "__pycache__").mkdir(parents=True)
    (tmp_path / "a.py").write_text("a = 1\n")
    (tmp_path / "sub" / "b.py").write_text("b = 1\n")
    before = digest_source(tmp_path)
    (tmp_path / "notes.txt").write_text("no source")
    (tmp_path / "sub" / "__pycache__" / "b.py").write_text("stale")
    assert digest_source(tmp_path) == before
    (tmp_path / "sub" / "b.py").write_text("b = 2\n")
    changed = digest_source(tmp_path)
    assert changed != before
    (tmp_path / "sub" / "b.py").rename(tmp_path / "b.py")
    assert digest_source(tmp_path) != changed
    assert digest_source(tmp_path / "a.py") != digest_source(tmp_path / "b.py")


PLAIN = b"""def f(x):
    return x + "# kept"
"""
WORDED = b'''"""A module."""

# why
def f(x):
    """Say.

    More, with umlauts: \xc3\xa4\xc3\xb6.
    """

    return x + "# kept"  # because
'''


def test_prose_is_no_code(tmp_path: Path):
    (tmp_path / "f.py").write_bytes(PLAIN)
    plain = digest_source(tmp_path / "f.py")
    (tmp_path / "f.py").write_bytes(WORDED)
    assert digest_source(tmp_path / "f.py") == plain
    (tmp_path / "f.py").write_bytes(WORDED.replace(b"# kept", b"# lost"))
    assert digest_source(tmp_path / "f.py") != plain
    (tmp_path / "f.py").write_bytes(PLAIN.replace(b"x + ", b"x - "))
    assert digest_source(tmp_path / "f.py") != plain


def test_a_string_that_shares_its_line_with_code_is_kept():
    assert code(b"def f(): 'doc'; return 1\n") == b"def f(): 'doc'; return 1"
    assert code(b"x = 'value'\n") == b"x = 'value'"


def test_source_that_does_not_parse_is_taken_whole():
    assert code(b"def f(:  # no\n") == b"def f(:  # no\n"


def test_source_of_nothing_is_refused(tmp_path: Path):
    for path in (tmp_path, tmp_path / "absent.py"):
        with pytest.raises(FileNotFoundError, match="no Python source"):
            digest_source(path)
