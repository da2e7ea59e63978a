"""The runtime here and the runtime of a Raspberry Pi: the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.data.cache import cache_folder
from benchmark.errors import BenchError, UsageError
from benchmark.hardware import sysroot
from tests.hardware.nets import board, hopping, made, need, net, rows


@pytest.mark.parametrize("number_format", ["fp32", "int8"])
def test_this_computer(number_format: str) -> None:
    one = made("tall", number_format)
    ran, error = one.execute(board("host"), rows(net("tall")[1], 3))
    assert error == 0 if number_format == "int8" else error < 1e-6
    assert len(ran.outputs) == 3 and ran.clock == "measured"
    # 135 k operations: more than a call costs by itself, and less than a tenth of a second anywhere.
    assert 1e-6 < ran.seconds[0] <= ran.seconds[1] <= ran.seconds[2] < 0.1
    # A process that has imported the runtime.
    assert 20e6 < ran.ram_bytes < 500e6


def test_a_stream_on_this_computer() -> None:
    given = rows(net("lstm")[1], 2)
    ran, error = hopping("lstm").execute(board("host"), given)
    assert error < 1e-6 and len(ran.outputs) == 2
    for row, (answer,) in zip(given, ran.outputs, strict=True):
        assert np.abs(answer - hopping("lstm").in_torch(row)[0]).max() < 1e-6


def fetched() -> Path | None:
    """The Pi's system in the cache of the person who runs the tests, asked before tests get a cache of their own."""
    try:
        return sysroot.found().system.parent
    except BenchError:
        return None


FETCHED = fetched()


@pytest.mark.long
def test_a_raspberry_pi_gives_the_same_integers() -> None:
    need("qemu-aarch64", "gcc")
    if FETCHED is None:
        pytest.skip(f"the system of a Raspberry Pi is not fetched: {sysroot.COMMAND}")
    here = cache_folder() / "tools" / FETCHED.name
    here.parent.mkdir(exist_ok=True)
    here.symlink_to(FETCHED)
    one = made("tall", "int8")
    ran, error = one.execute(board("pi-4b"), rows(net("tall")[1], 3))
    assert error == 0
    assert ran.tools["onnxruntime"] == sysroot.ONNXRUNTIME
    # 135 k operations, several at a time, and the call from Python.
    assert ran.instructions is not None and 50_000 < ran.instructions < 500_000
    assert np.isclose(ran.seconds[0], ran.instructions / (2.0 * 1.5e9))
    assert ran.seconds[0] < ran.seconds[1] < ran.seconds[2]


def test_a_pi_that_is_not_fetched_is_told_with_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMBENCH_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match=r"python -m benchmark\.hardware\.sysroot"):
        sysroot.found()
