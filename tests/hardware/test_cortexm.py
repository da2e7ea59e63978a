"""Cortex-M boards in QEMU: the same numbers, counts that can be checked by hand, and every way not to fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmark.hardware import cortexm
from benchmark.hardware.running import BoardError
from tests.hardware.nets import board, hopping, made, need, net, rows, written

NANO = "nano-33-ble-sense"
ONE = [(np.array([3.0], np.float32),)]
ECHO = "arena[1] = arena[0];"


@pytest.fixture(autouse=True)
def _tools() -> None:
    need("emx_onnx_cgen", "arm-none-eabi-gcc", "qemu-system-arm")


@pytest.mark.parametrize(
    ("name", "number_format", "on"),
    [
        ("tall", "fp32", NANO),
        ("tall", "int8", NANO),
        ("tall", "int8", "nano-rp2040"),
        ("tall", "fp32", "due"),
        ("lstm", "fp32", "portenta-h7"),
        ("gru", "int8", "uno-r4"),
        ("step", "fp32", "giga-r1"),
    ],
)
def test_a_board_gives_what_the_model_gives(name: str, number_format: str, on: str) -> None:
    one = made(name, number_format)
    ran, error = one.execute(board(on), rows(net(name)[1], 3))
    assert error == 0 if number_format == "int8" else error < 3e-6
    assert len(ran.outputs) == 3
    (expected, *_) = one.in_torch(rows(net(name)[1], 3)[2])
    assert np.abs(ran.outputs[2][0] - expected).max() < 0.05 * np.abs(expected).max()
    assert ran.flash_bytes is not None and ran.instructions is not None
    assert one.source.weight_bytes < ran.flash_bytes < one.source.weight_bytes + 16_000
    assert one.source.arena_bytes < ran.ram_bytes < one.source.arena_bytes + 1_000
    assert ran.seconds[0] < ran.seconds[1] < ran.seconds[2]


@pytest.mark.parametrize(("name", "number_format"), [("gru", "fp32"), ("gru", "int8"), ("lstm", "fp32")])
def test_a_recurrent_net_is_fed_step_by_step_and_keeps_its_state(name: str, number_format: str) -> None:
    one, given = hopping(name, number_format), rows(net(name)[1], 3)
    ran, error = one.execute(board(NANO), given)
    assert error == 0 if number_format == "int8" else error < 3e-6
    # Fifty steps answer as one call of the net, and every row begins anew.
    for row, (answer,) in zip(given, ran.outputs, strict=True):
        assert np.abs(answer - one.in_torch(row)[0]).max() < (0.01 if number_format == "int8" else 1e-6)
    whole, _ = made(name, number_format).execute(board(NANO), given[:1])
    assert ran.instructions is not None and whole.instructions is not None
    assert ran.ram_bytes < whole.ram_bytes and 0.8 < 50 * ran.instructions / whole.instructions < 1.3
    assert ran.seconds[1] == pytest.approx(50 * ran.instructions * 1.4 / 64e6)


def test_delay_lines_are_kept_where_they_are() -> None:
    one = hopping("wave")
    ran, error = one.execute(board(NANO), rows(net("wave")[1], 1))
    assert error < 3e-6
    # The lines, 16,320 bytes, and the longest of them with its new sample beside it; not every line twice.
    assert 16_320 < ran.ram_bytes < 16_320 + 3 * 4 * 8 * 257


def test_instructions_are_counted_to_the_tick() -> None:
    def count(nops: int) -> int:
        body = f'__asm__ volatile(".rept {nops}\\n nop\\n .endr"); {ECHO}'
        ran = cortexm.execute(written(body), board(NANO), ONE)
        assert ran.outputs[0][0].item() == 3.0 and ran.instructions is not None
        return ran.instructions

    base, more = count(40), count(40 + 4000)
    assert abs(more - base - 4000) <= cortexm.TICK_INSTRUCTIONS
    assert base < 40 + 100


def test_more_instructions_than_the_timer_holds_are_counted() -> None:
    # Two a turn, 680 million in all: more than 2^24 ticks of 40.
    body = f'uint32_t n = 340000000u; __asm__ volatile("1: subs %0, #1\\n bne 1b" : "+r"(n)); {ECHO}'
    ran = cortexm.execute(written(body), board(NANO), ONE)
    assert ran.instructions == pytest.approx(680_000_000, rel=1e-5)


def test_the_stack_that_was_used_is_counted() -> None:
    def memory(words: int) -> int:
        body = f"volatile uint32_t local[{words}]; for (int i = 0; i < {words}; i++) local[i] = i; {ECHO}"
        return cortexm.execute(written(body), board(NANO), ONE).ram_bytes

    assert 3600 - 64 <= memory(1000) - memory(100) <= 3600 + 64


def test_what_does_not_fit_is_said_in_the_linkers_numbers() -> None:
    wave = made("wave")
    small = board("uno-r4")
    with pytest.raises(BoardError, match=r"not fit on Arduino Uno R4 .*: region RAM overflowed by \d+ bytes") as caught:
        wave.execute(small, rows(net("wave")[1], 1))
    assert caught.value.outcome == "ram"
    needed = int(str(caught.value).split("overflowed by ")[1].split()[0]) + small.ram_bytes
    assert wave.source.arena_bytes < needed < wave.source.arena_bytes + 1_000
    tiny = replace(board(NANO), flash_bytes=8_000)
    with pytest.raises(BoardError, match=r"region FLASH overflowed by \d+ bytes") as caught:
        made("tall").execute(tiny, rows(net("tall")[1], 1))
    assert caught.value.outcome == "flash"


def test_a_hang_is_stopped() -> None:
    with pytest.raises(BoardError, match="did not end within 1 s") as caught:
        cortexm.execute(written("for (;;) { }"), board(NANO), ONE, limit=1)
    assert caught.value.outcome == "time limit"


def test_a_crash_is_told() -> None:
    with pytest.raises(BoardError, match="crashed on Arduino Nano 33 BLE Sense: an exception") as caught:
        cortexm.execute(written('__asm__ volatile("udf #0");'), board(NANO), ONE)
    assert caught.value.outcome == "crashed"


def test_a_stack_that_meets_the_data_is_told() -> None:
    little = replace(board(NANO), block_bytes=4_096)
    body = f"volatile uint32_t local[2000]; for (int i = 1999; i >= 0; i--) local[i] = 0x11111111u; {ECHO}"
    with pytest.raises(BoardError, match=r"stack may have overrun|stack overran") as caught:
        cortexm.execute(written(body), little, ONE, limit=5)
    assert caught.value.outcome in ("ram", "crashed")


def test_c_that_does_not_compile_is_told() -> None:
    with pytest.raises(BoardError, match=r"does not compile for Arduino Nano 33 BLE Sense: .*error") as caught:
        cortexm.execute(written("nonsense;"), board(NANO), ONE)
    assert caught.value.outcome == "operator"
