"""What an error line ends with."""

import pytest

from benchmark.errors import did_you_mean

BOARDS = ("nano-33-ble-sense", "nano-rp2040", "uno-r3", "pi-4b")


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("nano-33", "did you mean 'nano-33-ble-sense'?"),
        ("nano", "did you mean 'nano-33-ble-sense' or 'nano-rp2040'?"),
        ("uno-r4", "did you mean 'uno-r3'?"),
        ("teensy", "known: nano-33-ble-sense, nano-rp2040, pi-4b, uno-r3"),
        ("", "known: nano-33-ble-sense, nano-rp2040, pi-4b, uno-r3"),
    ],
)
def test_names_that_begin_so_come_first_then_the_nearest_then_all(name: str, end: str) -> None:
    assert did_you_mean(name, BOARDS) == end


def test_nothing_known_is_said() -> None:
    assert did_you_mean("a", ()) == "known: none"
