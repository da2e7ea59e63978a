"""`compare` on made-up results whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark import cli
from benchmark.errors import UsageError
from benchmark.leaderboard import statistics
from benchmark.leaderboard.runs import load
from benchmark.submission import comparing
from benchmark.submission.comparing import compare
from benchmark.submission.comparing_text import text
from tests.leaderboard.factory import FLAT, Run, World, at_controls, falling, write, write_all

QUIET = World(training_sd=0.002)


@pytest.fixture(autouse=True)
def known(monkeypatch, toy):
    """The made-up task is found."""


def shown(results, a="magnitude", b="random", **more) -> str:
    return text(compare(results, a, b, **more))


def test_a_difference_that_is_there_is_found_with_n_and_interval(tmp_path):
    write_all(tmp_path, {"magnitude": dict.fromkeys(range(16), 0.92), "random": FLAT}, world=QUIET)
    (table,) = compare(tmp_path, "magnitude", "random").tables
    assert len(table.cells) == 15
    assert table.curve is not None
    assert table.curve.interval.low < 0.02 < table.curve.interval.high
    assert table.curve.interval.high - table.curve.interval.low < 0.01
    said = shown(tmp_path)
    assert "n = 3 seeds; magnitude is better" in said
    assert "better on 1: magnitude; better on 0: random; not told apart on 0" in said
    assert "mean rank of magnitude: 1.00 [1.00, 1.00], n = 1 tables" in said


def test_the_other_way_round_is_the_negative(tmp_path):
    write_all(tmp_path, {"magnitude": falling(3), "random": FLAT}, world=QUIET)
    (one,), (other,) = (
        compare(tmp_path, *names).tables for names in (("magnitude", "random"), ("random", "magnitude"))
    )
    assert one.curve.interval.value == pytest.approx(-other.curve.interval.value, abs=1e-12)
    assert one.curve.sign == -other.curve.sign == -1


def test_equal_methods_cannot_be_told_apart_and_that_is_said(tmp_path):
    write_all(tmp_path, {"magnitude": FLAT, "random": FLAT}, world=World(training_sd=0.01))
    said = shown(tmp_path)
    assert "magnitude and random cannot be told apart" in said
    assert "nothing shows that magnitude and random differ" in said
    assert "is better" not in said.replace("higher is better", "")


def test_the_interval_is_that_of_the_paired_bootstrap(tmp_path):
    write_all(tmp_path, {"magnitude": FLAT, "random": FLAT}, world=World(training_sd=0.01))
    (bench,) = load(tmp_path)[0].values()
    expected = statistics.interval(bench.scores("magnitude", 5) - bench.scores("random", 5))
    cell = next(c for c in compare(tmp_path, "magnitude", "random").tables[0].cells if c.round == 5)
    assert cell.difference.interval == expected


def test_pairing_takes_out_what_the_sources_share(tmp_path):
    write_all(tmp_path, {"magnitude": FLAT, "random": FLAT}, world=World(source_sd=0.3, item_sd=0.001))
    (table,) = compare(tmp_path, "magnitude", "random").tables
    assert table.curve.interval.high - table.curve.interval.low < 0.01


def test_a_missing_seed_is_shown_and_not_averaged_over(tmp_path):
    write_all(tmp_path, {"magnitude": FLAT, "random": FLAT}, world=QUIET)
    write(tmp_path, Run("random", 2, falling(16, rounds=12), world=QUIET))
    compared = compare(tmp_path, "magnitude", "random")
    (table,) = compared.tables
    assert [c.round for c in table.cells if c.difference is None] == [12, 13, 14, 15]
    assert table.curve is None and compared.ranks is None
    said = text(compared)
    assert "missing" in said and "random, seed 2" in said
    assert "over the curve: not computed, 4 of 15 rounds are missing" in said
    assert "over all: 0 of 1 tables are whole" in said


def test_a_seed_that_only_one_of_them_has_is_missing_in_every_round(tmp_path):
    write_all(tmp_path, {"magnitude": FLAT}, seeds=3)
    write_all(tmp_path, {"random": FLAT}, seeds=2)
    assert all(c.difference is None for c in compare(tmp_path, "magnitude", "random").tables[0].cells)


def test_a_control_is_compared_at_its_own_budgets(tmp_path):
    write_all(tmp_path, {"magnitude": FLAT, "narrow+": at_controls(0.9)}, world=QUIET)
    (table,) = compare(tmp_path, "magnitude", "narrow+").tables
    assert [c.round for c in table.cells] == [4, 8, 12]
    assert table.curve is not None
    assert "at the budgets of narrow+, a control" in shown(tmp_path, "magnitude", "narrow+")


def test_a_task_where_one_has_nothing_is_named(tmp_path):
    write_all(tmp_path, {"magnitude": FLAT})
    assert "random has no record here" in shown(tmp_path)


def test_one_seed_says_nothing_about_luck(tmp_path):
    write_all(tmp_path, {"magnitude": falling(16, dense=0.95), "random": FLAT}, seeds=1)
    assert "one seed says nothing about the luck of training, so nothing can be told apart" in shown(tmp_path)


def test_other_data_are_not_compared(tmp_path):
    write_all(tmp_path, {"magnitude": FLAT})
    write_all(tmp_path, {"random": FLAT}, world=World(offset=1))
    assert "not compared: magnitude and random were measured on other data" in shown(tmp_path)


def test_where_lower_is_better_the_lower_one_is_better(tmp_path):
    options = {"world": QUIET, "higher_is_better": False}
    write_all(tmp_path, {"magnitude": dict.fromkeys(range(16), 0.8), "random": FLAT}, **options)
    said = shown(tmp_path)
    assert "(lower is better)" in said
    assert "n = 3 seeds; magnitude is better" in said
    assert "mean rank of magnitude: 1.00" in said


def test_smoke_is_compared_where_it_is_asked_for(tmp_path):
    write_all(tmp_path, {"magnitude": FLAT, "random": FLAT}, profile="smoke")
    with pytest.raises(UsageError, match=r"on any task; those of smoke are compared with --profile smoke$"):
        compare(tmp_path, "magnitude", "random")
    with pytest.raises(UsageError, match=r"has no record of magnitude or random on any task, quick$"):
        compare(tmp_path, "magnitude", "random", profile="quick")
    assert compare(tmp_path, "magnitude", "random", profile="smoke").tables


def test_ranks_are_over_tables_and_their_interval_says_how_sure(tmp_path):
    clear, level = np.full(2000, 0.1), np.linspace(-1, 1, 2000)
    scores = [statistics.Scores(np.full(3, 0.1), clear), statistics.Scores(np.zeros(3), level)]
    ranks = comparing._ranks(scores)
    assert ranks.tables == 2
    assert ranks.a.value == 1.25
    assert (ranks.a.low, ranks.a.high) == (1.0, 1.5)
    assert (ranks.b.low, ranks.b.high) == (1.5, 2.0)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["magnitude", "magnitud"], "no criterion or control 'magnitud': did you mean 'magnitude'"),
        (["magnitude", "magnitude"], "'magnitude' is compared with itself: name two methods"),
        (["magnitude", "random", "--task", "tpy"], "no task 'tpy': did you mean 'toy'?"),
        (["magnitude", "random", "--results", "nowhere"], "nowhere is no folder of records; name one with --results"),
    ],
)
def test_a_slip_gets_one_line_and_exit_code_2(tmp_path, capsys, monkeypatch, arguments, line):
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)
    assert cli.main(["compare", *arguments]) == 2
    err = capsys.readouterr().err
    assert line in err and err.count("\n") == 1
