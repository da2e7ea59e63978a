"""Verdicts, by hand and at their edges."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.hardware import boards
from benchmark.hardware.evidence import Execution
from benchmark.hardware.fit import VERDICTS, Net, estimate, executed
from benchmark.hardware.footprint import Footprint

NANO = boards.board("nano-33-ble-sense")
UNO = boards.board("uno-r3")
FOOTPRINT = Footprint(
    weights_fp32=20_000,
    weights_int8=5_500,
    arena_fp32=7_168,
    arena_int8=1_792,
    bound_fp32=7_168,
    bound_int8=1_792,
    read_fp32=40_000,
    written_fp32=16_000,
    functions=100,
)
NET = Net(FOOTPRINT, macs=135_296, seconds=1.0)


def needing(**figures: int) -> Net:
    return replace(NET, footprint=replace(FOOTPRINT, **figures))


def test_by_hand():
    fit = estimate(NANO, NET, "fp32")
    assert fit.flash_bytes == 20_000 + 12_000
    assert fit.ram_bytes == 7_168 + 768
    cycles = 135_296 * 6.0 + 100 * 85 + 2_000
    assert fit.real_time_factor == pytest.approx([cycles / 64e6 / 2, cycles / 64e6, cycles / 64e6 * 2])
    assert (fit.verdict, fit.limit, fit.sure, fit.executed) == ("fits", "RAM", True, False)


def test_a_net_that_hears_itself_is_judged_as_a_stream_however_much_slower():
    figures = {"stream_calls": 1000, "stream_arena_fp32": 7_168, "stream_macs": 135_296, "stream_functions": 100}
    whole, streamed = (
        estimate(NANO, needing(**figures), "fp32"),
        estimate(NANO, needing(**figures, stream_only=1), "fp32"),
    )
    assert (whole.streamed, whole.verdict) == (False, "fits")
    assert (streamed.streamed, streamed.verdict) == (True, "slow")
    assert streamed.real_time_factor == pytest.approx([1000 * factor for factor in whole.real_time_factor])


def test_int8_takes_int8_figures():
    fit = estimate(UNO, NET, "int8")
    assert (fit.flash_bytes, fit.ram_bytes) == (5_500 + 8_300, 1_792 + 512)
    assert (fit.verdict, fit.limit) == ("no", "RAM")
    # 1,912 of 2,048 bytes: it runs bare, but Arduino's core would find no room beside it.
    less = needing(arena_int8=1_400)
    assert estimate(UNO, less, "int8").verdict == "slow"
    assert estimate(UNO, replace(less, seconds=10.0), "int8").verdict == "tight"


def test_cycle_model_gives_what_was_counted():
    """A convolutional net, a small one, and single steps of recurrent ones, each within the band; on AVR a fifth."""

    def milliseconds(board: str, macs: int, functions: int, number_format: boards.Format = "fp32") -> float:
        net = Net(replace(FOOTPRINT, functions=functions), macs, 1.0)
        return 1000 * estimate(boards.board(board), net, number_format).real_time_factor[1]

    gru, lstm = (832, 48), (1_104, 80)
    counted = {
        ("nano-33-ble-sense", 135_296, 0): 17.6,
        ("nano-33-ble-sense", 10_162, 0): 0.685,
        ("nano-33-ble-sense", *gru): 0.178,
        ("due", 135_296, 0): 150,
        ("nano-rp2040", 135_296, 0): 236,
        ("portenta-h7", 135_296, 0): 1.9,
        ("mega-2560", 135_296, 0): 2565,
        ("uno-r3", *gru): 25.9,
        ("uno-r3", *lstm): 37.2,
        ("due", *gru): 2.07,
    }
    for (board, macs, functions), said in counted.items():
        rules = boards.board(board).rules
        assert said / rules.band < milliseconds(board, macs, functions) < said * rules.band, board
    assert milliseconds("uno-r3", *gru) == pytest.approx(25.9, rel=0.1)
    assert milliseconds("uno-r3", *lstm) == pytest.approx(37.2, rel=0.1)
    assert milliseconds("mega-2560", 135_296, 0) == pytest.approx(2565, rel=0.1)
    assert milliseconds("uno-r3", 135_296, 0, "int8") == pytest.approx(1647, rel=0.1)
    assert milliseconds("uno-r3", 10_162, 0, "int8") == pytest.approx(109.7, rel=0.2)


class TestEdges:
    @pytest.mark.parametrize(("arena", "verdict"), [(195_000, "fits"), (197_000, "tight"), (262_000, "no")])
    def test_memory(self, arena, verdict):
        fit = estimate(NANO, needing(arena_fp32=arena), "fp32")
        assert (fit.verdict, fit.limit) == (verdict, "RAM")

    @pytest.mark.parametrize(("weights", "verdict"), [(930_000, "fits"), (933_000, "tight"), (1_037_000, "no")])
    def test_flash(self, weights, verdict):
        fit = estimate(NANO, needing(weights_fp32=weights), "fp32")
        assert (fit.verdict, fit.limit) == (verdict, "flash")

    @pytest.mark.parametrize(("macs", "verdict"), [(5_200_000, "fits"), (5_500_000, "tight"), (10_700_000, "slow")])
    def test_time(self, macs, verdict):
        fit = estimate(NANO, replace(NET, macs=macs), "fp32")
        assert (fit.verdict, fit.limit, fit.sure) == (verdict, "time", False)

    def test_memory_is_named_before_time_where_it_is_not_even_in_memory(self):
        fit = estimate(NANO, replace(needing(arena_fp32=300_000), macs=10**9), "fp32")
        assert (fit.verdict, fit.limit) == ("no", "RAM")

    def test_an_arena_larger_than_the_largest_block(self):
        portenta = boards.board("portenta-h7")
        assert estimate(portenta, needing(arena_fp32=524_288), "fp32").verdict == "fits"
        assert estimate(portenta, needing(arena_fp32=524_296), "fp32").verdict == "no"

    def test_weights_are_in_memory_under_linux(self):
        pi = boards.board("pi-zero-2w")
        fit = estimate(pi, needing(weights_fp32=10**9), "fp32")
        assert (fit.verdict, fit.limit) == ("no", "RAM")
        assert estimate(pi, NET, "fp32").ram_bytes == 57_000_000 + 7_168 + 20_000

    def test_weights_that_an_avr_s_pointers_do_not_reach(self):
        mega = boards.board("mega-2560")
        fits = [estimate(mega, needing(weights_int8=size, arena_int8=1_000), "int8") for size in (65_536, 65_537)]
        assert [max(fit.hard["flash"], fit.hard["RAM"]) > 1 for fit in fits] == [False, True]
        assert fits[1].limit == "flash" and fits[1].flash_bytes < 0.3 * mega.flash_bytes + 1

    def test_sure_where_the_whole_band_agrees(self):
        assert estimate(NANO, replace(NET, macs=100_000_000), "fp32").sure
        assert estimate(NANO, replace(NET, macs=2_000_000), "fp32").sure


@given(
    st.integers(0, 10**7),
    st.integers(0, 10**6),
    st.integers(0, 10**9),
    st.sampled_from(sorted(boards.committed())),
    st.integers(1, 1000),
)
@settings(deadline=None)
def test_less_never_fits_worse(weights, arena, macs, name, factor):
    board = boards.board(name)
    large = Net(replace(FOOTPRINT, weights_fp32=weights, arena_fp32=arena), macs, 1.0)
    small = Net(
        replace(FOOTPRINT, weights_fp32=weights // factor, arena_fp32=arena // factor), macs // factor, seconds=1.0
    )
    before, after = estimate(board, large, "fp32"), estimate(board, small, "fp32")
    assert VERDICTS.index(after.verdict) <= VERDICTS.index(before.verdict)
    assert all(after.use[limit] <= before.use[limit] for limit in before.use)


class TestExecuted:
    SEEN = Execution(
        3, "nano-33-ble-sense", "fp32", "ran", flash_bytes=29_880, ram_bytes=6_312, seconds=(0.0126, 0.0176, 0.0246)
    )

    def test_takes_the_place_of_the_estimate(self):
        fit = executed(NANO, NET, self.SEEN)
        assert (fit.flash_bytes, fit.ram_bytes) == (29_880, 6_312)
        assert fit.real_time_factor == (0.0126, 0.0176, 0.0246)
        assert fit.executed and fit.verdict == "fits"

    def test_what_was_not_measured_is_estimated(self):
        fit = executed(NANO, NET, replace(self.SEEN, seconds=None, ram_bytes=None))
        guess = estimate(NANO, NET, "fp32")
        assert (fit.ram_bytes, fit.real_time_factor) == (guess.ram_bytes, guess.real_time_factor)

    def test_what_ran_as_a_stream_is_completed_from_the_stream_s_figures(self):
        figures = {"stream_calls": 10, "stream_arena_fp32": 2_000, "stream_macs": 100}
        net = needing(**figures)
        seen = replace(self.SEEN, ram_bytes=None)
        fits = [executed(NANO, net, replace(seen, streamed=streamed)) for streamed in (False, True)]
        assert [fit.streamed for fit in fits] == [False, True]
        assert [fit.ram_bytes for fit in fits] == [net.footprint.arena_fp32 + 768, 2_000 + 768]

    def test_what_did_not_run_does_not_fit_however_small(self):
        said = "region `RAM' overflowed by 2152 bytes"
        fit = executed(NANO, NET, replace(self.SEEN, outcome="ram", message=said))
        assert (fit.verdict, fit.failure, fit.sure) == ("no", said, True)
