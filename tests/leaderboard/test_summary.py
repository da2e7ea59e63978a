from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark import leaderboard, records
from benchmark.leaderboard import Section
from benchmark.leaderboard.statistics import Lossless
from benchmark.leaderboard.summary import Row
from benchmark.leaderboard.verdict import verdict
from tests.leaderboard import factory
from tests.leaderboard.factory import FLAT, Run, World, at_controls, falling

QUIET = World(sources=60, item_sd=0.01)


def only_section(results: Path) -> Section:
    (found,) = leaderboard.sections(results)
    return found


def row(section: Section, method: str) -> Row:
    return next(r for r in section.rows if r.method == method)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Section:
    results = tmp_path_factory.mktemp("results")
    truths = {
        "random": falling(8),
        "magnitude": falling(5),
        "gradient": falling(8, drop=0.15),
        "activation": falling(12),
        "random-finetune": falling(10),
        "magnitude-finetune": falling(10, drop=0.08),
        "narrow": at_controls(0.85),
        "narrow-again": at_controls(0.85),
        "narrow+": at_controls(0.9),
        "magnitude-reinit": at_controls(0.84),
        "dense+": {0: 0.91},
    }
    factory.write_all(results, truths, world=QUIET)
    return only_section(results)


class TestWhole:
    def test_lossless_is_found_at_the_planted_round(self, full: Section) -> None:
        planted = {"random": 8, "magnitude": 5, "gradient": 8, "activation": 12, "random-finetune": 10}
        assert {m: row(full, m).lossless for m in planted} == {m: Lossless(k, open=False) for m, k in planted.items()}

    def test_deeper_lossless_ranks_higher_and_equal_ones_share(self, full: Section) -> None:
        ranks = [(r.rank, r.method) for r in full.rows if r.rank]
        assert ranks == [
            *[(1, "activation"), (2, "magnitude-finetune"), (2, "random-finetune")],
            *[(4, "random"), (4, "gradient"), (6, "magnitude")],
        ]

    def test_controls_are_not_ranked(self, full: Section) -> None:
        controls = [r for r in full.rows if r.kind == "control"]
        assert len(controls) == 5
        assert all(r.rank is None and r.lossless is None and r.best is None for r in controls)

    def test_cost_of_the_lossless_net(self, full: Section) -> None:
        cell = row(full, "random").cell(8)
        assert cell is not None
        assert (cell.parameters, cell.macs, cell.bytes) == (57648, 20 * 57648, 4 * 57648)
        assert cell.reached == pytest.approx(0.7**8, rel=1e-4)
        assert cell.latency_ratio == pytest.approx((0.9 * 0.7**8, 0.7**8, 1.1 * 0.7**8), rel=1e-5)

    def test_reference(self, full: Section) -> None:
        assert full.reference == "random"
        assert full.seeds == (0, 1, 2)
        assert full.sources == (60, 60, 60)
        assert full.dense is not None
        assert full.dense.score is not None
        assert full.dense.score.n == 3
        assert full.dense.score.low < 0.9 < full.dense.score.high
        assert full.control_rounds == (4, 8, 12)

    def test_more_steps_for_dense(self, full: Section) -> None:
        assert full.dense_plus is not None
        assert full.dense_plus.value == pytest.approx(0.01, abs=0.003)
        assert full.dense_plus.low < 0.01 < full.dense_plus.high

    def test_differences_are_the_planted_ones(self, full: Section) -> None:
        """Mean over rounds 1-15 against random of the same reset; over rounds 4, 8, 12 against narrow+."""
        magnitude, finetuned = row(full, "magnitude"), row(full, "magnitude-finetune")
        assert magnitude.against_random is not None
        assert finetuned.against_random is not None
        assert magnitude.against_random.other == "random"
        assert magnitude.against_random.interval.value == pytest.approx(-0.1 * 3 / 15, abs=0.001)
        assert finetuned.against_random.other == "random-finetune"
        assert finetuned.against_random.interval.value == pytest.approx(0.02 * 5 / 15, abs=0.001)
        assert magnitude.against_narrow is not None
        assert magnitude.against_narrow.interval.value == pytest.approx(-0.2 / 3, abs=0.002)
        assert row(full, "random").against_random is None
        assert row(full, "narrow+").against_narrow is None

    def test_resets_are_compared(self, full: Section) -> None:
        assert [(c.method, c.other) for c in full.resets] == [
            ("magnitude-finetune", "magnitude"),
            ("random-finetune", "random"),
        ]
        assert full.resets[1].interval.value == pytest.approx(0.1 * 2 / 15, abs=0.001)

    def test_verdict_says_what_was_planted(self, full: Section) -> None:
        lossless, wins, losses, narrow, *_ = verdict(full)
        assert lossless == "Held within 0.02 of dense: 98.62 % of the 1.00 M parameters gone (activation)."
        assert wins.startswith("Better than random units: activation +0.027 [")
        assert "magnitude-finetune +0.007 [" in wins
        assert losses.startswith("Worse than random units: gradient -0.02")
        assert "; magnitude -0.020 [" in losses
        assert narrow.startswith("No ticket is shown to beat a narrow net trained as long (narrow+): the best")


class TestVerdict:
    def test_nothing_is_claimed_where_nothing_differs(self, tmp_path: Path) -> None:
        noisy = World(training_sd=0.02)
        truths = {"random": FLAT, "magnitude": FLAT, "gradient": FLAT, "narrow+": at_controls(0.9)}
        factory.write_all(tmp_path, truths, world=noisy)
        said = " ".join(verdict(only_section(tmp_path)))
        assert "No criterion is shown to beat random units: the best difference is" in said
        assert "No ticket is shown to beat a narrow net trained as long (narrow+)" in said
        assert "Better" not in said
        assert "Worse" not in said

    def test_one_seed_decides_nothing(self, tmp_path: Path) -> None:
        factory.write_all(tmp_path, {"random": falling(3), "magnitude": FLAT}, seeds=1, world=QUIET)
        section = only_section(tmp_path)
        assert section.dense is not None
        assert section.dense.score is not None
        assert section.dense.score.n == 1
        assert section.dense.score.low < section.dense.score.high
        assert "Whether a criterion beats random units is open: one seed" in " ".join(verdict(section))

    def test_controls_that_are_not_there_are_not_measured(self, tmp_path: Path) -> None:
        factory.write_all(tmp_path, {"magnitude": FLAT})
        said = " ".join(verdict(only_section(tmp_path)))
        assert "Whether a criterion beats random units was not measured." in said
        assert "Whether a ticket beats a narrow net trained as long (narrow+) was not measured." in said

    def test_where_lower_is_better(self, tmp_path: Path) -> None:
        truths = {"random": falling(4, drop=-0.1), "magnitude": falling(9, drop=-0.1)}
        factory.write_all(tmp_path, truths, world=QUIET, higher_is_better=False)
        section = only_section(tmp_path)
        assert [(r.method, r.rank, r.lossless) for r in section.rows] == [
            ("magnitude", 1, Lossless(9, open=False)),
            ("random", 2, Lossless(4, open=False)),
        ]
        assert "Better than random units: magnitude -0.033 [" in " ".join(verdict(section))
        best = row(section, "magnitude").best
        assert best is not None
        assert best.round <= 9

    def test_sweep_that_never_failed_says_at_least(self, tmp_path: Path) -> None:
        factory.write_all(tmp_path, {"random": FLAT})
        assert "≥ 99.53 % of the 1.00 M parameters gone (random)" in verdict(only_section(tmp_path))[0]

    def test_sweep_that_fails_at_once(self, tmp_path: Path) -> None:
        factory.write_all(tmp_path, {"random": falling(0)})
        assert "No sweep is shown to hold the dense score" in verdict(only_section(tmp_path))[0]


class TestMasked:
    @pytest.fixture(scope="class")
    def section(self, tmp_path_factory: pytest.TempPathFactory) -> Section:
        results = tmp_path_factory.mktemp("results")
        truths = {"random": falling(4), "magnitude": falling(5), "magnitude-masked": falling(9), "masking": falling(12)}
        factory.write_all(results, {**truths, "narrow+": at_controls(0.9)}, world=QUIET)
        return only_section(results)

    def test_what_it_holds_is_found_but_not_ranked(self, section: Section) -> None:
        assert [(r.method, r.rank, r.lossless and r.lossless.round) for r in section.rows] == [
            *[("magnitude", 1, 5), ("random", 2, 4), ("magnitude-masked", None, 9), ("masking", None, 12)],
            ("narrow+", None, None),
        ]

    def test_it_stands_at_its_budget_at_the_cost_of_dense(self, section: Section) -> None:
        cell = row(section, "masking").cell(12)
        assert cell is not None
        assert cell.reached == pytest.approx(0.7**12, rel=1e-4)
        assert (cell.parameters, cell.macs, cell.latency_ratio) == (1_000_000, 20_000_000, (0.9, 1.0, 1.1))

    def test_no_sentence_counts_it_as_a_cut(self, section: Section) -> None:
        assert "mask" not in " ".join(verdict(section))
        (note,) = section.notes
        assert note.startswith("Masked, not cut: magnitude-masked, masking. Their budgets are non-zeros")

    def test_what_is_partly_cut_saves_and_says_so(self, tmp_path: Path) -> None:
        factory.write_all(tmp_path, {"random": FLAT}, world=QUIET)
        for seed in range(3):
            # Its nets are those of a cut: fewer parameters than dense.
            factory.write(tmp_path, Run("random-hybrid", seed, FLAT, QUIET))
        section = only_section(tmp_path)
        (note,) = section.notes
        assert note.startswith("Partly cut, partly masked: random-hybrid. Their budgets are non-zeros; what was cut is")
        assert "no operations" not in note

    def test_alone_it_still_has_its_dense_net(self, tmp_path: Path) -> None:
        factory.write_all(tmp_path, {"masking": FLAT}, world=QUIET)
        section = only_section(tmp_path)
        assert section.reference == "masking"
        assert verdict(section)[0] == "Undecided: no sweep is complete."


class TestHoles:
    @pytest.fixture
    def results(self, tmp_path: Path) -> Iterator[Path]:
        truths = {"random": FLAT, "magnitude": FLAT, "narrow+": at_controls(0.9)}
        factory.write_all(tmp_path, truths, world=QUIET)
        yield tmp_path

    def test_missing_seed(self, results: Path) -> None:
        (results / "toy/made/quick/magnitude/seed1.json").unlink()
        section = only_section(results)
        hole = row(section, "magnitude")
        assert hole.status == "2 of 3 complete; no run of seed 1"
        assert [r.method for r in section.rows] == ["random", "magnitude", "narrow+"]
        assert hole.rank is None
        assert [c.score.n for c in hole.cells if c.score] == [2] * 16
        assert hole.against_random is not None
        assert hole.against_random.interval.n == 2
        assert "was not measured" in " ".join(verdict(section)[1:2])

    @pytest.mark.parametrize(
        ("status", "said"),
        [
            ("failed", "2 of 3 complete; seed 1 failed: boom"),
            ("partial", "2 of 3 complete; seed 1 partial, up to round 5"),
        ],
    )
    def test_broken_off_run(self, results: Path, status: str, said: str) -> None:
        truth = dict.fromkeys(range(6), 0.9)
        factory.write(results, Run("magnitude", 1, truth, QUIET, {"status": status, "reason": "boom"}))
        hole = row(only_section(results), "magnitude")
        assert hole.status == said
        assert hole.rank is None
        assert hole.lossless == Lossless(5, open=True)
        cell, gone = hole.cell(5), hole.cell(6)
        assert cell is not None
        assert gone is not None
        assert cell.score is not None
        assert (cell.have, cell.of) == (3, 3)
        assert (gone.have, gone.of, gone.score, gone.parameters, gone.latency_ratio) == (2, 3, None, None, None)
        assert hole.against_random is None
        assert hole.against_narrow is None

    def test_run_that_failed_before_its_first_round(self, results: Path) -> None:
        path = results / "toy/made/quick/magnitude/seed1.json"
        path.with_suffix(".npz").unlink()
        failed = replace(records.read(path), status="failed", reason="no memory", rounds=())
        records.write(results, failed, factory.items(Run(truth={})))
        hole = row(only_section(results), "magnitude")
        assert hole.status == "2 of 3 complete; seed 1 failed: no memory"
        assert all(c.score is None and (c.have, c.of) == (2, 3) for c in hole.cells)
        assert hole.lossless is None

    def test_partner_that_lacks_a_seed_is_not_compared(self, results: Path) -> None:
        (results / "toy/made/quick/random/seed2.json").unlink()
        assert row(only_section(results), "magnitude").against_random is None

    def test_other_data_are_stated_and_not_compared(self, results: Path) -> None:
        factory.write(results, Run("magnitude", 2, FLAT, World(offset=7)))
        section = only_section(results)
        other = row(section, "magnitude")
        assert other.status == "complete, on other data than random"
        assert (other.rank, other.against_random, other.against_narrow) == (None, None, None)
        assert any(n.startswith("Seed 2 was scored on different data") and "da7a27" in n for n in section.notes)

    def test_other_code_and_machines_are_stated(self, results: Path) -> None:
        code = {"harness": "0ther", "task": "7a5c", "criterion": "c-magnitude"}
        machine = {"cpu": "Other CPU", "packages": "none"}
        factory.write(results, Run("magnitude", 2, FLAT, QUIET, {"code": code, "environment": machine}))
        section = only_section(results)
        assert "The records were made with 2 versions of the code of: harness." in section.notes
        assert section.machines == ("Other CPU", "Toy CPU, torch 2.13.0")
        assert row(section, "magnitude").rank is not None

    def test_criteria_differ_in_their_own_code_without_a_note(self, results: Path) -> None:
        assert only_section(results).notes == ()

    def test_dense_nets_that_differ_are_stated(self, results: Path) -> None:
        factory.write(results, Run("magnitude", 0, {**FLAT, 0: 0.8}, QUIET))
        assert "Sweeps of seed 0 do not all start from the same dense net." in only_section(results).notes

    def test_warnings_are_gathered(self, results: Path) -> None:
        for seed in (0, 1):
            factory.write(results, Run("random", seed, FLAT, QUIET, {"warnings": ("may be undertrained",)}))
        assert "Warning in 2 records of random: may be undertrained" in only_section(results).notes

    def test_small_test_sets_are_stated(self, tmp_path: Path) -> None:
        factory.write_all(tmp_path, {"random": FLAT}, world=World(sources=4, source_sd=0.3))
        small, few = only_section(tmp_path).notes
        assert small.startswith("The test sets are too small: the standard error")
        assert few == "A test set has only 4 sources: read its intervals as too narrow."


def test_sentence_names_few_with_figures_and_ends(tmp_path: Path) -> None:
    better = {0: 0.9} | dict.fromkeys(range(1, 16), 0.95)
    truths = {"random": FLAT, **{f"criterion{letter}": better for letter in "abcdefgh"}}
    factory.write_all(tmp_path, truths, world=QUIET)
    wins = verdict(only_section(tmp_path))[1]
    assert len(wins) < 300
    assert wins.count("by seed") == 2
    assert wins.endswith("and 2 more (8 compared over the curve).")


def test_smoke_is_never_ranked(tmp_path: Path) -> None:
    factory.write(tmp_path, Run(profile="smoke"))
    assert leaderboard.sections(tmp_path) == []
    (section,) = leaderboard.sections(tmp_path, "toy/made/smoke")
    assert [r.rank for r in section.rows] == [None]


def test_training_noise_of_narrow_nets(tmp_path: Path) -> None:
    world = World(sources=200, item_sd=0.001, training_sd=0.016)
    truth = dict.fromkeys(range(1, 41), 0.8)
    factory.write_all(tmp_path, {"random": {0: 0.9}, "narrow": truth, "narrow-again": truth}, world=world)
    noise = only_section(tmp_path).noise
    assert noise is not None
    assert noise.n == 120
    assert noise.sd == pytest.approx(0.016, rel=0.2)


def test_result_does_not_depend_on_the_order_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truths = {"random": falling(8), "magnitude": FLAT, "narrow": at_controls(0.8), "narrow+": at_controls(0.9)}
    factory.write_all(tmp_path / "a/results", truths, world=World(training_sd=0.01))
    factory.write(tmp_path / "a/results", Run(profile="full"))
    first = leaderboard.build(tmp_path / "a/results")
    assert leaderboard.build(tmp_path / "a/results") == first
    paths = list(records.find(tmp_path / "a/results"))
    for seed in range(3):
        shuffled = random.Random(seed).sample(paths, len(paths))
        monkeypatch.setattr(records, "find", lambda results, p=shuffled: iter(p))
        assert leaderboard.build(tmp_path / "a/results") == first
    monkeypatch.undo()
    shutil.move(tmp_path / "a/results", tmp_path / "elsewhere")
    assert leaderboard.build(tmp_path / "elsewhere") == first
