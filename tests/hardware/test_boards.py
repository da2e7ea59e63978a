"""The boards' limits are those of their data sheets."""

from __future__ import annotations

import pytest

from benchmark.errors import UsageError
from benchmark.hardware import boards

KB = 1024
LIMITS = {
    # name: (clock, flash, RAM), as the makers print them; a boot loader of 512 B on the Uno, 8 KB on the Mega.
    "uno-r3": (16e6, 32 * KB - 512, 2 * KB),
    "mega-2560": (16e6, 256 * KB - 8 * KB, 8 * KB),
    "due": (84e6, 512 * KB, 96 * KB),
    "uno-r4": (48e6, 256 * KB, 32 * KB),
    "nano-33-ble-sense": (64e6, 1024 * KB, 256 * KB),
    "nano-rp2040": (133e6, 2048 * KB, 264 * KB),
    "portenta-h7": (480e6, 2048 * KB, 1024 * KB),
    "giga-r1": (480e6, 2048 * KB, 1024 * KB),
    "pi-zero-2w": (1.0e9, None, 512 * KB**2),
    "pi-3b-plus": (1.4e9, None, 1024 * KB**2),
    "pi-4b": (1.5e9, None, 1024 * KB**2),
    "pi-5": (2.4e9, None, 2048 * KB**2),
}


@pytest.mark.parametrize("name", LIMITS)
def test_known_limits(name):
    board = boards.board(name)
    assert (board.clock_hz, board.flash_bytes, board.ram_bytes) == LIMITS[name]


def test_all_of_them_and_this_computer_last():
    assert list(boards.load()) == [*LIMITS, boards.HOST]
    assert list(boards.committed()) == list(LIMITS)


@pytest.mark.parametrize("name", [*LIMITS, boards.HOST])
def test_whole(name):
    board = boards.board(name)
    assert board.source and board.cycles_source and board.title
    assert 0 < board.block_bytes <= board.ram_bytes
    assert 0 < board.rules.flash_share <= 1 and 0 < board.rules.ram_share <= 1 and board.rules.band > 1
    assert 0 < board.rules.real_time_factor < 1
    assert all(board.cycles[f].mac > 0 and board.cycles[f].function > 0 for f in ("fp32", "int8"))
    assert board.clock_hz > 0
    assert board.title in board.summary and "RAM" in board.summary


def test_an_arena_must_lie_in_one_block():
    assert boards.board("portenta-h7").block_bytes == 512 * KB
    assert boards.board("due").block_bytes == 96 * KB


def test_cores_without_fpu_are_slower_in_floating_point():
    for board in boards.committed().values():
        if board.fpu == "none":
            assert board.cycles["fp32"].mac > board.cycles["int8"].mac


def test_there_is_no_such_board():
    with pytest.raises(UsageError, match=r"no board 'portenta': did you mean 'portenta-h7'\?"):
        boards.board("portenta")
