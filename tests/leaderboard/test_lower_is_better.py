"""A metric that is an error: known answers in its own units, and as multiples of the error of dense."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmark import leaderboard
from benchmark.leaderboard.statistics import Lossless
from benchmark.leaderboard.summary import Cell, Row, Section
from tests.leaderboard import factory
from tests.leaderboard.factory import FLAT, METRIC, Run, World, at_controls
from tests.leaderboard.test_boards import on, sweep
from tests.leaderboard.test_markdown import section_tables

QUIET = World(sources=40, source_sd=0.01, item_sd=0.005)
DENSE = 0.4
GAIN = dict.fromkeys(range(16), DENSE) | {3: 0.36, 12: 0.5}
"""Nine tenths of the error of dense at round 3, and five fourths at round 12."""


def only(results: Path) -> Section:
    (section,) = leaderboard.sections(results)
    return section


def row(section: Section, method: str) -> Row:
    return next(r for r in section.rows if r.method == method)


def at(section: Section, method: str, k: int) -> Cell:
    cell = row(section, method).cell(k)
    assert cell is not None
    return cell


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    truths = {
        "random": dict.fromkeys(range(16), DENSE),
        "magnitude": GAIN,
        "narrow+": at_controls(0.44),
        "dense+": {0: 0.38},
    }
    factory.write_all(folder, truths, world=QUIET, higher_is_better=False)
    return folder


class TestMultiplier:
    @pytest.mark.parametrize(("k", "wanted"), [(0, 1.0), (3, 0.9), (12, 1.25)])
    def test_of_a_sweep(self, results: Path, k: int, wanted: float) -> None:
        found = at(only(results), "magnitude", k).multiplier
        assert found is not None
        assert found.value == pytest.approx(wanted, abs=0.01)
        assert found.low <= found.value <= found.high
        # Sources that are hard for one net are so for dense, so the ratio is known better than the score.
        score = at(only(results), "magnitude", k).score
        assert score is not None
        assert found.high - found.low < (score.high - score.low) / DENSE

    def test_of_dense_it_is_one_exactly(self, results: Path) -> None:
        found = at(only(results), "magnitude", 0).multiplier
        assert found is not None
        assert (found.value, found.low, found.high) == (1, 1, 1)

    @pytest.mark.parametrize(("method", "k", "wanted"), [("narrow+", 8, 1.1), ("dense+", 0, 0.95)])
    def test_of_a_control_is_over_the_dense_net_of_the_sweeps(
        self, results: Path, method: str, k: int, wanted: float
    ) -> None:
        found = at(only(results), method, k).multiplier
        assert found is not None
        assert found.value == pytest.approx(wanted, abs=0.01)

    def test_of_a_control_on_other_data_there_is_none(self, tmp_path: Path) -> None:
        factory.write_all(tmp_path, {"random": FLAT}, world=QUIET, higher_is_better=False)
        other = World(sources=30)
        factory.write_all(tmp_path, {"narrow+": at_controls(0.9)}, world=other, higher_is_better=False)
        assert at(only(tmp_path), "narrow+", 8).multiplier is None

    def test_a_score_of_which_more_is_better_has_none(self, tmp_path: Path) -> None:
        factory.write_all(tmp_path, {"random": FLAT, "dense+": {0: 0.9}}, world=QUIET)
        assert all(cell.multiplier is None for r in only(tmp_path).rows for cell in r.cells)
        assert "multiplier" not in leaderboard.build(tmp_path)

    def test_on_the_page(self, results: Path) -> None:
        page = leaderboard.build(results)
        sweeps, _, _, multipliers, *_ = section_tables(page)
        assert "#### Error multiplier" in page
        column = sweeps[0].index("best / dense")
        best = next(r for r in sweeps if r[1] == "magnitude")
        assert re.fullmatch(r"0\.(899|900|901) \[0\.89\d, 0\.90\d\]", best[column])
        assert "(34.3 %)" in best[column - 1]
        assert multipliers[0][:3] == ["method", "100 %", "70.0 %"]
        by_method = {r[0]: r for r in multipliers[2:]}
        assert by_method["magnitude"][1] == "1"
        assert by_method["magnitude"][4] == best[column]
        assert by_method["narrow+"][1] == "–"  # noqa: RUF001
        assert all("[" in cell for cell in by_method["random"][2:])


class TestUnits:
    """Cents, of which a loss of 25 is tolerated: rises of 10, 20 and 40 over the 100 of dense, then a lucky dip."""

    @pytest.fixture(scope="class")
    def section(self, tmp_path_factory: pytest.TempPathFactory) -> Section:
        folder = tmp_path_factory.mktemp("cents")
        task = {
            "version": 1,
            "metrics": [{"id": METRIC, "reduction": "ratio", "higher_is_better": False}],
            "tolerance": 25.0,
            "seconds": 1.0,
        }
        world = World(sources=40, source_sd=5.0, item_sd=1.0)
        better, worse = {0: 100, 1: 110, 2: 120, 3: 140, 4: 90}, {0: 100, 1: 130, 2: 130, 3: 130, 4: 130}
        for method, truth in (("magnitude", better), ("random", worse)):
            for seed in range(3):
                run = Run(method, seed, truth, world, {"task": task}, higher_is_better=False)
                factory.write(folder, run)
        return only(folder)

    def test_lossless_by_the_tolerance_in_units_of_the_metric(self, section: Section) -> None:
        assert row(section, "magnitude").lossless == Lossless(2, open=False)
        assert row(section, "random").lossless == Lossless(0, open=False)
        assert [r.rank for r in section.rows] == [1, 2]

    def test_best_is_the_lowest(self, section: Section) -> None:
        best = row(section, "magnitude").best
        assert best is not None
        assert best.round == 4

    def test_page_and_terminal_have_the_places_of_the_unit(self, section: Section) -> None:
        said = leaderboard.rounds_table(section)
        assert "lower is better" in said
        assert re.search(r" 24\.01 % +(89|90|91) \+- \d +(129|130|131) \+- \d$", said)


def test_board_gets_the_net_with_the_least_error_that_fits(tmp_path: Path) -> None:
    # The Uno R4 holds nets from round 5 on; of these round 6 is the best, and none is lossless.
    truth = {0: 0.1} | dict.fromkeys(range(1, 16), 0.5) | {6: 0.3}
    sweep(tmp_path, Run(truth=truth, higher_is_better=False))
    place = on(tmp_path, "uno-r4")
    assert (place.cell.round, place.lossless) == (6, False)
