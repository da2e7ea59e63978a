from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark import items
from benchmark.errors import RecordError
from benchmark.items import Items

ITEMS = Items(
    np.array([0, 0, 1, 1]),
    {"m": {"truth": np.array([[0, 1, 0, 1]]), "guess": np.array([[0, 1, 0, 0], [1, 1, 0, 1]])}},
)


@pytest.fixture
def side(tmp_path: Path) -> Path:
    path = tmp_path / "seed0.npz"
    path.write_bytes(items.pack(ITEMS))
    return path


def packed(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def of_two(name: str, values: Any) -> bytes:
    return packed(sources=np.arange(2), **{name: np.array(values)})


def many_of_many_classes() -> bytes:
    """Neither the items nor the classes are too many; what a reduction lays out is."""
    label = np.zeros((1, 10_000), np.int32)
    label[0, -1] = 1023
    return packed(sources=np.zeros(10_000, np.int32), **{"m/label": label})


def member(name: str, content: bytes, sources: bytes | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        if sources is not None:
            archive.writestr("sources.npy", sources)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,), }"
ENDLESS = b"\x93NUMPY\x01\x00v\x00" + HEADER.ljust(117) + b"\n"
"""An array that says that it is larger than any memory."""


class TestItems:
    def test_what_was_packed(self, side: Path) -> None:
        got = items.unpack(side)
        np.testing.assert_array_equal(got.sources, ITEMS.sources)
        np.testing.assert_array_equal(got.of("m", 1)["guess"], [1, 1, 0, 1])
        np.testing.assert_array_equal(got.of("m", 1)["truth"], [0, 1, 0, 1])

    def test_an_array_of_one_row_is_that_of_every_round(self) -> None:
        assert ITEMS.of("m", 0)["truth"].tolist() == ITEMS.of("m", 1)["truth"].tolist()

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "not readable"),
            (b"PK\x05\x06 no zip", "not readable"),
            (npy(np.arange(3)), "not readable"),
            (packed(sources=np.arange(4))[:-30], "not readable"),
            (member("sources.npy", b"no array"), "has no array 'sources'"),
            (member("sources.npy", npy(np.array([{}, 1], object))), "not readable.*allow_pickle=False"),
            (member("sources.npy", ENDLESS), "not readable"),
            (member("sources.npy", b"\0" * 64_000_001), "unpacks to more than 64000000 bytes"),
            (packed(part=np.ones((1, 4))), "has no array 'sources'"),
            (packed(sources=np.ones((2, 2))), "has no array 'sources' of one whole number"),
            (packed(sources=np.array(["a", "b"])), "has no array 'sources' of one whole number an item"),
            (packed(sources=np.array([0.5, 1.5])), "has no array 'sources' of one whole number an item"),
            (packed(sources=np.arange(0), **{"m/truth": np.ones((1, 0))}), "has 0 items, wanted 1 to 1000000"),
            (packed(sources=np.zeros(1_000_001, np.int32)), "has 1000001 items, wanted 1 to 1000000"),
            (member("m/a.npy", b"no array", npy(np.arange(2))), "m/a is no array"),
            (of_two("m/a", [[1, np.nan]]), "m/a has something that is not a finite number"),
            (of_two("m/a", [[1, np.inf]]), "m/a has something that is not a finite number"),
            (of_two("m/a", [["1", "2"]]), "m/a has something that is not a finite number"),
            (of_two("m/a", [[1j, 2]]), "m/a has something that is not a finite number"),
            (of_two("m/a", [1, 1]), r"m/a is \(2,\), wanted \(rounds, 2\)"),
            (of_two("m/a", [[1, 1, 1]]), r"m/a is \(1, 3\), wanted \(rounds, 2\)"),
            (of_two("m/a", np.ones((0, 2))), r"m/a is \(0, 2\), wanted \(rounds, 2\)"),
            (of_two("m/part", [[1, 1e13]]), r"m/part has a number beyond 1e\+12"),
            (of_two("m/hits", [[-(2**63), 0]]), r"m/hits has a number beyond 1e\+12"),
            (of_two("m/truth", [[0, 1024]]), "m/truth has class numbers outside 0 to 1023"),
            (of_two("m/guess", [[-1, 1]]), "m/guess has class numbers outside 0 to 1023"),
            (of_two("m/label", [[0, 10**12]]), "m/label has class numbers outside 0 to 1023"),
            (of_two("m/label", [[0.0, 1.0]]), "m/label has class numbers that are no integers"),
            (many_of_many_classes(), "m/label has 10240000 classes times items, of 4000000"),
        ],
    )
    def test_files_that_are_none(self, side: Path, content: bytes, said: str) -> None:
        side.write_bytes(content)
        with pytest.raises(RecordError, match=said) as caught:
            items.unpack(side)
        assert str(caught.value).startswith(f"{side}: ")
        assert "\n" not in str(caught.value)

    def test_flipped_byte(self, side: Path) -> None:
        content = bytearray(side.read_bytes())
        for place in range(0, len(content), 7):
            side.write_bytes(bytes(content[:place]) + bytes([content[place] ^ 0xFF]) + bytes(content[place + 1 :]))
            try:
                items.unpack(side)
            except RecordError:
                continue

    def test_too_large(self, side: Path) -> None:
        side.write_bytes(b"\0" * 1_000_001)
        with pytest.raises(RecordError, match="larger than 1000000 bytes"):
            items.unpack(side)


class TestUnfit:
    def test_nothing_is_wrong_with_what_metrics_take(self) -> None:
        fit = {
            "part": np.array([True, False]),
            "whole": np.array([0.0, 12.5]),
            "hits": np.array([0, 10**12]),
            "label": np.array([0, 1023], np.uint16),
            "truth": np.array([[0, 1], [1, 0]]),
        }
        assert {part: items.unfit(part, values) for part, values in fit.items()} == dict.fromkeys(fit, "")

    def test_no_items(self) -> None:
        assert items.unfit("part", np.empty(0)) == "no items"
