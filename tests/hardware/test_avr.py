"""Uno and Mega in simavr: the same numbers, exact cycles, and every way not to fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmark.hardware import avr
from benchmark.hardware.running import BoardError
from tests.hardware.nets import board, hopping, made, need, net, rows, written

UNO, MEGA = "uno-r3", "mega-2560"
ONE = [(np.array([3.0], np.float32),)]
ECHO = "arena[1] = arena[0];"


@pytest.fixture(autouse=True)
def _tools() -> None:
    need("emx_onnx_cgen", "avr-gcc", "simavr", "gcc")


@pytest.mark.parametrize(
    ("name", "number_format", "on"),
    [
        ("step", "fp32", UNO),
        ("step", "int8", UNO),
        ("dense", "int8", UNO),
        ("tall", "int8", UNO),
        ("flat", "int8", MEGA),
    ],
)
def test_a_board_gives_what_the_model_gives(name: str, number_format: str, on: str) -> None:
    one = made(name, number_format)
    ran, error = one.execute(board(on), rows(net(name)[1], 1))
    # The state of a step is a float whatever the format.
    assert error == 0 if number_format == "int8" and name != "step" else error < 1e-5
    assert ran.flash_bytes is not None and ran.cycles is not None
    assert one.source.weight_bytes < ran.flash_bytes < one.source.weight_bytes + 10_000
    assert one.source.arena_bytes < ran.ram_bytes < one.source.arena_bytes + 350
    assert ran.seconds == (ran.cycles / 16e6,) * 3


def test_a_recurrent_net_is_fed_step_by_step_and_keeps_its_state() -> None:
    ran, error = hopping("gru").execute(board(MEGA), rows(net("gru")[1], 1))
    assert error < 1e-5 and ran.cycles is not None
    assert ran.seconds == (pytest.approx(50 * ran.cycles / 16e6),) * 3


def test_cycles_are_exact() -> None:
    def cycles(delay: int) -> int:
        ran = avr.execute(written(f"__builtin_avr_delay_cycles({delay}); {ECHO}"), board(UNO), ONE * 2)
        assert [out[0].item() for out in ran.outputs] == [3.0, 3.0] and ran.cycles is not None
        return ran.cycles

    assert cycles(123_456) - cycles(1_000) == 122_456


def test_the_stack_that_was_used_is_counted() -> None:
    def memory(count: int) -> int:
        body = f"volatile uint8_t local[{count}]; for (uint8_t i = 0; i < {count}; i++) local[i] = i; {ECHO}"
        return avr.execute(written(body), board(UNO), ONE).ram_bytes

    assert memory(200) - memory(100) == 100


def test_what_does_not_fit_is_said_in_the_linkers_numbers() -> None:
    gru = made("gru")
    with pytest.raises(
        BoardError, match=r"not fit on Arduino Uno R3: section \.bss ends at 0x80\w+, \d+ bytes"
    ) as caught:
        gru.execute(board(UNO), rows(net("gru")[1], 1))
    assert caught.value.outcome == "ram"
    outside = int(str(caught.value).split(", ")[1].split()[0])
    # The arena in 2,048 bytes of which 32 are for a stack.
    assert outside == pytest.approx(gru.source.arena_bytes - 2_016, abs=16)
    with pytest.raises(BoardError, match=r"region FLASH overflowed by \d+ bytes") as caught:
        made("dense").execute(replace(board(UNO), flash_bytes=1_000), rows(net("dense")[1], 1))
    assert caught.value.outcome == "flash"


def test_weights_out_of_reach_are_told() -> None:
    heavy = replace(made("dense").source, weight_bytes=70_000)
    with pytest.raises(BoardError, match="70000 bytes of weights where the compiler's pointers reach 65536"):
        avr.execute(heavy, board(MEGA), rows(net("dense")[1], 1))


def test_an_array_that_is_too_large_is_told() -> None:
    large = written(f"static const __flash float heavy[10000] = {{1}}; arena[1] = heavy[(int)arena[0]]; {ECHO}")
    with pytest.raises(BoardError, match="array heavy is larger than the compiler lets an object be") as caught:
        avr.execute(large, board(MEGA), ONE)
    assert caught.value.no_room


def test_a_hang_is_stopped() -> None:
    with pytest.raises(BoardError, match="did not end within 1 s") as caught:
        avr.execute(written("for (;;) { }"), board(UNO), ONE, limit=1)
    assert caught.value.outcome == "time limit"


def test_a_stack_that_meets_the_data_is_told() -> None:
    body = f"volatile uint8_t local[2040]; for (int16_t i = 2039; i >= 0; i--) local[i] = 0; {ECHO}"
    with pytest.raises(BoardError, match=r"the stack overran the data|crashed|did not end"):
        avr.execute(written(body), board(UNO), ONE, limit=5)
