from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmark import cli, leaderboard, records
from benchmark.errors import RecordError
from benchmark.items import Items, pack
from benchmark.leaderboard.runs import load
from tests.leaderboard import factory
from tests.leaderboard.factory import FLAT, METRIC, Run, World


def test_reads_what_was_written(tmp_path: Path) -> None:
    factory.write_all(tmp_path, {"random": FLAT, "magnitude": FLAT}, seeds=2)
    benches, unranked = load(tmp_path)
    ((key, bench),) = benches.items()
    assert key[:3] == ("toy", "made", "quick")
    assert key[3].metric == METRIC
    assert unranked == 0
    assert sorted(bench.methods) == ["magnitude", "random"]
    assert bench.seeds("random") == (0, 1)
    assert bench.rounds("random") == tuple(range(16))
    record = records.read(tmp_path / "toy/made/quick/random/seed1.json")
    assert bench.methods["random"][1].score(3) == pytest.approx(record.rounds[3].test[METRIC], abs=1e-6)


@pytest.mark.parametrize(("only", "found"), [("toy", 2), ("toy/made/quick", 1), ("toy/made/smoke", 1), ("to", 0)])
def test_only_is_the_beginning_of_a_path(tmp_path: Path, only: str, found: int) -> None:
    factory.write(tmp_path, Run())
    factory.write(tmp_path, Run(profile="full"))
    factory.write(tmp_path, Run(profile="smoke"))
    assert len(leaderboard.sections(tmp_path, only)) == found


def test_other_versions_are_other_sections(tmp_path: Path) -> None:
    factory.write(tmp_path, Run("random"))
    task = {**factory.record(Run(), factory.items(Run())).task, "version": 2}
    factory.write(tmp_path, Run("magnitude", changes={"task": task}))
    assert [s.rules.task for s in leaderboard.sections(tmp_path)] == [1, 2]


def test_scores_that_are_not_those_of_the_items_are_refused(tmp_path: Path) -> None:
    path = factory.write(tmp_path, Run())
    value = json.loads(path.read_text())
    value["rounds"][3]["test"][METRIC] += 0.001
    path.write_text(json.dumps(value))
    with pytest.raises(RecordError, match=r"random/seed0\.json: round 3 says .*its items give"):
        leaderboard.build(tmp_path)


def test_items_of_another_life_of_the_run_are_refused(tmp_path: Path) -> None:
    """Done anew and killed between the two files: the old record, the new items of fewer rounds."""
    path = factory.write(tmp_path, Run())
    young = factory.items(Run(truth={0: 0.9, 1: 0.9}))
    path.with_suffix(".npz").write_bytes(pack(young))
    with pytest.raises(RecordError, match=r"no array toy\.accuracy\.v1/part with a row for every round"):
        leaderboard.build(tmp_path)


def test_items_with_one_round_more_are_read(tmp_path: Path) -> None:
    """Killed between the two files: the items are one round ahead."""
    run = Run(truth={0: 0.9, 1: 0.9, 2: 0.9})
    path = factory.write(tmp_path, Run(truth={0: 0.9, 1: 0.9}))
    before = leaderboard.build(tmp_path)
    path.with_suffix(".npz").write_bytes(pack(factory.items(run)))
    assert leaderboard.build(tmp_path) == before


def test_missing_side_file_is_refused(tmp_path: Path) -> None:
    factory.write(tmp_path, Run()).with_suffix(".npz").unlink()
    with pytest.raises(RecordError, match=r"seed0\.npz: not readable"):
        leaderboard.build(tmp_path)


def test_items_of_another_metric_are_refused(tmp_path: Path) -> None:
    path = factory.write(tmp_path, Run(truth={0: 0.9}))
    other = Items(np.arange(4), {"other.v1": {"part": np.ones((1, 4)), "whole": np.ones((1, 4))}})
    path.with_suffix(".npz").write_bytes(pack(other))
    with pytest.raises(RecordError, match=r"has no array toy\.accuracy\.v1/part"):
        leaderboard.build(tmp_path)


def test_a_label_that_asks_for_terabytes_is_refused(tmp_path: Path) -> None:
    path = factory.write(tmp_path, Run(truth={0: 0.9}))
    path.write_text(path.read_text().replace('"ratio"', '"pooled_f1"'))
    counts = {name: np.ones((1, 4)) for name in ("hits", "truths", "guesses")}
    label = np.array([[0, 0, 0, 10**12]])
    path.with_suffix(".npz").write_bytes(pack(Items(np.arange(4), {METRIC: {"label": label, **counts}})))
    with pytest.raises(RecordError, match=r"/label has class numbers outside 0 to 1023$"):
        leaderboard.build(tmp_path)


@pytest.mark.parametrize(
    ("method", "said", "line"),
    [
        ("narrow+", {"kind": "sweep", "criterion": "mine", "reset": "rewind"}, "kind is 'sweep', and a run of"),
        ("magnitude-masked", {"kind": "sweep"}, "kind is 'sweep', and a run of magnitude-masked has 'masked'"),
        ("magnitude", {"criterion": "random"}, "criterion is 'random', and a run of magnitude has 'magnitude'"),
        ("magnitude-finetune", {"reset": "rewind"}, "reset is 'rewind', and a run of magnitude-finetune has"),
    ],
)
def test_a_record_cannot_pass_for_a_run_of_another_kind(
    tmp_path: Path, method: str, said: dict[str, str], line: str
) -> None:
    factory.write(tmp_path, Run(method, changes=said))
    with pytest.raises(RecordError, match=rf"seed0\.json: {line}"):
        leaderboard.build(tmp_path)


@pytest.mark.parametrize("profile", ["quick", "smoke"])
def test_damaged_record_is_named(tmp_path: Path, profile: str) -> None:
    factory.write(tmp_path, Run())
    path = factory.write(tmp_path, Run("magnitude", profile=profile))
    path.write_text(path.read_text()[:-40])
    with pytest.raises(RecordError, match=r"magnitude/seed0\.json") as caught:
        leaderboard.build(tmp_path)
    assert caught.value.exit_code == 3


def test_record_in_another_runs_place_is_refused(tmp_path: Path) -> None:
    path = factory.write(tmp_path, Run("magnitude"))
    other = tmp_path / "toy/made/quick/gradient"
    path.parent.rename(other)
    with pytest.raises(RecordError, match=r"gradient/seed0\.json: is the record of toy/made/quick/magnitude/seed0"):
        leaderboard.build(tmp_path)


def test_same_digest_with_other_sources_is_a_contradiction(tmp_path: Path) -> None:
    factory.write(tmp_path, Run("random"))
    changed = Run("magnitude", world=World(sources=30))
    digest = factory.record(Run(), factory.items(Run())).data
    factory.write(tmp_path, Run("magnitude", world=changed.world, changes={"data": digest}))
    with pytest.raises(RecordError, match="but other sources; run both again"):
        leaderboard.build(tmp_path)


def test_test_set_of_one_source_is_refused_by_name(tmp_path: Path) -> None:
    factory.write(tmp_path, Run(world=World(sources=1)))
    with pytest.raises(RecordError, match=r"random/seed0\.json: round 0: the test set has 1 sources"):
        leaderboard.build(tmp_path)


def test_draws_that_score_nothing_are_refused_by_name(tmp_path: Path) -> None:
    run = Run(truth={0: 0.9})
    made = factory.items(run)
    whole = (made.sources == 0)[None].astype(float)
    sparse = Items(made.sources, {METRIC: {"part": 0.9 * whole, "whole": whole}})
    records.write(tmp_path, factory.record(run, sparse), sparse)
    with pytest.raises(RecordError, match=r"random/seed0\.json: round 0: .* nothing to score"):
        leaderboard.build(tmp_path)


def test_a_folder_that_is_not_there_makes_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typing error must not put an empty page in the place of a full one."""
    monkeypatch.chdir(tmp_path)
    Path("leaderboard.md").write_text("a full page\n")
    assert cli.main(["leaderboard", "--results", "resluts"]) == 2
    assert capsys.readouterr().err == "benchmark: resluts is no folder of records; name one with --results\n"
    assert Path("leaderboard.md").read_text() == "a full page\n"
