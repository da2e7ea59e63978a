"""Which net a section puts on which board, and how it says that it knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmark import leaderboard, records
from benchmark.errors import RecordError
from benchmark.hardware import boards, evidence
from benchmark.hardware.evidence import Execution
from benchmark.hardware.footprint import Footprint
from benchmark.leaderboard.boards import Boards
from benchmark.leaderboard.boards_text import terminal
from benchmark.leaderboard.text import safe
from tests.leaderboard.factory import Run, falling, write

LEFT = [0.7**k for k in range(16)]


def footprint(k: int, factor: float = 1.0) -> Footprint:
    """A dense net of a million parameters whose memory shrinks with them."""
    left = LEFT[k] * factor
    weights, arena = int(4e6 * left), int(4e5 * left)
    return Footprint(weights, weights // 4, arena, arena // 4, arena, arena // 4, 2 * weights, 2 * arena, 0)


def sweep(results: Path, run: Run, factor: float = 1.0) -> Path:
    path = write(results, run)
    record = records.read(path)
    rounds = [replace(r, memory=footprint(r.round, factor).entry(), macs=r.parameters // 10) for r in record.rounds]
    records.amend(path, replace(record, rounds=tuple(rounds)))
    return path


def found(results: Path) -> Boards:
    (section,) = leaderboard.sections(results)
    assert section.boards is not None
    return section.boards


def on(results: Path, name: str):
    return next(p for p in found(results).placed if p.board.name == name)


def test_the_smallest_lossless_net_where_it_fits(tmp_path):
    sweep(tmp_path, Run(truth=falling(5)))
    place = on(tmp_path, "pi-4b")
    assert (place.cell.round, place.lossless, place.fit.format, place.fit.verdict) == (5, True, "fp32", "fits")
    assert place.known == "estimated"


def test_the_smallest_lossless_net_in_int8_where_only_that_fits(tmp_path):
    # After round 2 there are 1.96 MB of weights in fp32, and 490 KB in int8, of which the Nano has one megabyte.
    sweep(tmp_path, Run(truth=falling(2)))
    place = on(tmp_path, "nano-33-ble-sense")
    assert (place.cell.round, place.lossless, place.fit.format, place.fit.verdict) == (2, True, "int8", "fits")


def test_the_best_that_fits_where_no_lossless_does(tmp_path):
    # The Uno R4 holds int8 nets from round 5 on, and fp32 nets from round 9 on.
    sweep(tmp_path, Run(truth={k: 0.9 - 0.06 * max(0, k - 2) for k in range(16)}))
    place = on(tmp_path, "uno-r4")
    assert (place.cell.round, place.lossless, place.fit.format, place.fit.verdict) == (5, False, "int8", "fits")


@pytest.mark.parametrize(("first", "number_format", "k"), [(0.8, "int8", 1), (0.605, "fp32", None)])
def test_int8_only_where_it_gains_more_than_the_tolerance(tmp_path, first, number_format, k):
    # The Nano holds fp32 nets from round 5 on, and int8 nets from round 1 on.
    sweep(tmp_path, Run(truth={0: 0.9, 1: first} | dict.fromkeys(range(2, 16), 0.6)))
    place = on(tmp_path, "nano-33-ble-sense")
    assert place.fit.format == number_format
    assert k in (None, place.cell.round)


def test_slow_is_better_than_not_at_all_and_says_so(tmp_path):
    path = sweep(tmp_path, Run(truth=falling(5)))
    record = records.read(path)
    records.amend(path, replace(record, rounds=tuple(replace(r, macs=10**9) for r in record.rounds)))
    place = on(tmp_path, "portenta-h7")
    # Both formats are in memory; the faster one is shown.
    assert (place.cell.round, place.fit.verdict, place.fit.limit, place.fit.format) == (5, "slow", "time", "fp32")
    due = on(tmp_path, "due")
    assert (due.fit.verdict, due.fit.format) == ("slow", "int8")


def test_a_board_that_holds_none_gets_the_nearest(tmp_path):
    sweep(tmp_path, Run(truth=falling(5, rounds=8)))
    place = on(tmp_path, "uno-r3")
    assert (place.cell.round, place.fit.verdict, place.fit.format) == (7, "no", "int8")
    assert place.fit.limit in ("flash", "RAM")


def test_of_the_seed_that_takes_most(tmp_path):
    for seed, factor in enumerate((1.0, 1.5, 0.5)):
        sweep(tmp_path, Run(seed=seed, truth=falling(15)), factor)
    place = on(tmp_path, "pi-4b")
    assert place.fit.ram_bytes == 57_000_000 + footprint(15, 1.5).weights_fp32 + footprint(15, 1.5).arena_fp32


def test_what_was_executed_counts_before_what_was_estimated(tmp_path):
    path = sweep(tmp_path, Run(truth=falling(5)))
    run = records.read(path).run
    ran = Execution(
        5, "pi-4b", "fp32", "ran", ram_bytes=60_000_000, seconds=(0.001, 0.002, 0.003), clock="measured",
        parity=1e-7, items=50, score=0.88, reference_score=0.881,
    )  # fmt: skip
    evidence.add(path, run, [ran])
    place = on(tmp_path, "pi-4b")
    assert (place.known, place.fit.ram_bytes, place.fit.real_time_factor[1]) == ("executed", 60_000_000, 0.002)
    page = leaderboard.build(tmp_path)
    assert "Executed:" in page and "0.8800, 50" in page.replace("0.880, 50", "0.8800, 50")

    said = "region `RAM' overflowed | by 2152 <b>bytes</b>"
    evidence.add(path, run, [replace(ran, outcome="ram", message=said)])
    assert on(tmp_path, "pi-4b").cell.round != 5
    assert safe(said) in leaderboard.build(tmp_path) and said not in leaderboard.build(tmp_path)


def test_dense_was_executed_for_every_sweep_that_begins_with_it(tmp_path):
    path = sweep(tmp_path, Run(method="magnitude", truth=falling(0)))
    sweep(tmp_path, Run(method="random", truth=falling(0)))
    ran = Execution(
        0, "pi-4b", "fp32", "ran", ram_bytes=90_000_000, seconds=(0.001, 0.002, 0.003), clock="measured", parity=1e-7,
    )  # fmt: skip
    evidence.add(path, records.read(path).run, [ran])
    place = on(tmp_path, "pi-4b")
    assert (place.cell.round, place.known, place.fit.ram_bytes) == (0, "executed", 90_000_000)
    later = replace(ran, round=3)
    evidence.add(path, records.read(path).run, [later])
    sweep(tmp_path, Run(method="random", truth=falling(3)))
    place = on(tmp_path, "pi-4b")
    assert (place.method, place.cell.round, place.known) == ("random", 3, "estimated")


def test_damaged_evidence_is_refused(tmp_path):
    path = sweep(tmp_path, Run(truth=falling(5)))
    evidence.path_of(path).write_text("{")
    with pytest.raises(RecordError, match=r"seed0\.boards\.json"):
        leaderboard.build(tmp_path)


def test_unknown_memory_figures_are_refused_with_their_place(tmp_path):
    path = sweep(tmp_path, Run(truth=falling(5)))
    record = records.read(path)
    rounds = [replace(r, memory=r.memory | {"heap": 1}) for r in record.rounds]
    records.amend(path, replace(record, rounds=tuple(rounds)))
    with pytest.raises(RecordError, match=r"seed0\.json: round 0: memory figures heap are missing or unknown"):
        leaderboard.build(tmp_path)


@pytest.mark.parametrize("seconds", [None, 0, -1.0, "1"])
def test_a_record_that_does_not_say_how_much_audio_a_call_is_for(tmp_path, seconds):
    path = sweep(tmp_path, Run(truth=falling(5)))
    record = records.read(path)
    records.amend(path, replace(record, task=record.task | {"seconds": seconds}))
    with pytest.raises(RecordError, match=f"answers for {seconds!r} seconds of audio"):
        leaderboard.build(tmp_path)


def test_the_paper_s_limits_beside_real_ones(tmp_path):
    sweep(tmp_path, Run(truth=falling(5)))
    judged = found(tmp_path).judged
    assert [(j.what, j.cell.round) for j in judged] == [("dense", 0), ("lossless", 5), ("smallest", 15)]
    assert [fit.platform.name for fit in judged[0].paper] == ["atmega1280", "atmega2560", "rpi-1b", "rpi-2b"]
    assert [fit.board.name for fit in judged[0].real] == ["mega-2560", "pi-zero-2w"]
    assert "ATmega2560, paper rule" in leaderboard.build(tmp_path)


def test_records_older_than_the_figures_are_told_how_to_get_them(tmp_path):
    write(tmp_path, Run(truth=falling(5)))
    (section,) = leaderboard.sections(tmp_path)
    assert section.boards is None
    assert "This adds them: `python -m benchmark fit --task toy --fill`" in leaderboard.build(tmp_path)

    def complete(record: records.Record) -> records.Record:
        return replace(record, rounds=tuple(replace(r, memory=footprint(r.round).entry()) for r in record.rounds))

    (section,) = leaderboard.sections(tmp_path, complete=complete)
    assert section.boards is not None and section.boards.placed
    assert records.read(next(records.find(tmp_path))).rounds[0].memory == {}


def test_one_board_on_a_terminal(tmp_path):
    sweep(tmp_path, Run(truth=falling(5)))
    (section,) = leaderboard.sections(tmp_path)
    (text,) = terminal(section, 3, "due")
    assert "Arduino Due" in text and "Mega" not in text
    titles = [b.title for b in boards.committed().values()]
    assert all(title in "\n".join(terminal(section, 3)) for title in titles)
    assert "paper rule" in "\n".join(terminal(section, 3, "paper"))


def test_masked_nets_and_controls_are_not_put_on_boards(tmp_path):
    sweep(tmp_path, Run(truth=falling(5)))
    sweep(tmp_path, Run("masking", truth=falling(15)))
    write(tmp_path, Run("narrow", truth={4: 0.95}))
    assert {p.method for p in found(tmp_path).placed} == {"random"}
