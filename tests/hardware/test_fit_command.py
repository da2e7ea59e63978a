"""`fit` and `list boards` as their user sees them."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark import leaderboard, records
from benchmark.cli import main
from benchmark.errors import RecordError
from benchmark.hardware import boards
from benchmark.hardware.rebuild import complete, footprints
from tests.conftest import ROOT, House

CHORDS = ROOT / "results" / "chords"
SWEEP = "chords/rendered/quick/magnitude/seed0"

pytestmark = pytest.mark.skipif(not CHORDS.is_dir(), reason="no committed records of chords")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A copy of one committed sweep, without memory figures."""
    path = tmp_path / "results" / f"{SWEEP}.json"
    path.parent.mkdir(parents=True)
    for end in (".json", ".npz"):
        shutil.copy(CHORDS.parent / f"{SWEEP}{end}", path.with_suffix(end))
    value = json.loads(path.read_text())
    for entry in value["rounds"]:
        entry.pop("memory", None)
    path.write_text(json.dumps(value))
    return tmp_path / "results"


def fit(results: Path, *arguments: str) -> int:
    return main(["fit", *arguments, "--results", str(results)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either a RECORD or --task"),
        ((SWEEP, "--task", "chords"), "give either a RECORD or --task"),
        (("--task", "chrods"), "no task 'chrods': did you mean 'chords'?"),
        (("--task", "chords", "--data", "renderd"), "has no data set 'renderd': did you mean 'rendered'?"),
        (("--task", "chords", "--board", "uno3"), "no board 'uno3': did you mean 'uno-r3' or 'uno-r4'?"),
        (("--task", "chords", "--board", "papre"), "no board 'papre': did you mean 'paper'?"),
        (("chords/rendered/quick/magnitud/seed0",), f"did you mean '{SWEEP}'?"),
        (("--task", "pitch", "--profile", "quik"), "no profile 'quik': did you mean 'quick'?"),
    ],
)
def test_a_slip_gets_one_line_and_exit_code_2(results, capsys, arguments, message):
    assert fit(results, *arguments) == 2
    said = capsys.readouterr()
    assert message in said.err and said.err.count("\n") == 1 and said.out == ""


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"macs":', '"mcas":', "mcas"),
        ('"reached": 1.0', '"reached": NaN', "NaN is no JSON number"),
        ('"rounds":', '"rounds": [], "round":', "round"),
    ],
)
def test_a_damaged_record_gets_one_line_and_exit_code_3(results, capsys, before, after, message):
    path = results / f"{SWEEP}.json"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    assert fit(results, SWEEP) == 3
    said = capsys.readouterr().err
    assert message in said and str(path) in said and said.count("\n") == 1


def test_a_record_on_every_board(results, capsys):
    assert fit(results, SWEEP) == 0
    said = capsys.readouterr().out
    assert all(board.title in said for board in boards.load().values())
    assert "47.2 kB" in said and "11.8 kB" in said  # the arena of dense in both formats
    assert fit(results, f"{SWEEP}.json") == 0
    assert fit(results, str(results / f"{SWEEP}.json")) == 0


def test_a_record_on_one_board(results, capsys):
    assert fit(results, SWEEP, "--board", "due") == 0
    said = capsys.readouterr().out
    rows = [line for line in said.splitlines() if " fp32 " in line or " int8 " in line]
    assert len(rows) == 32
    assert "Microchip SAM3X8E datasheet" in said and "within a factor of 2" in said


def test_a_record_under_the_paper_s_limits(results, capsys):
    assert fit(results, SWEEP, "--board", "paper") == 0
    dense = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("0 "))
    assert "embeddable, not in real time (FLOPs 1.4 times)" in dense
    assert "no (drive 13 times, memory 14 times, FLOPs 370 times)" in dense


def test_a_task_with_records_shows_its_best_tickets(results, capsys):
    assert fit(results, "--task", "chords") == 0
    said = capsys.readouterr().out
    assert all(board.title in said for board in boards.committed().values())
    assert "score (dense 0.916)" in said and "paper rule" in said
    assert records.read(results / f"{SWEEP}.json").rounds[0].memory == {}


def test_a_task_without_records_shows_its_dense_net(tmp_path, capsys):
    assert fit(tmp_path, "--task", "chords", "--profile", "smoke") == 0
    said = capsys.readouterr().out
    assert "so the dense net, untrained" in said and "Arduino Due" in said


def test_filling_changes_nothing_but_the_memory_figures(results):
    path = results / f"{SWEEP}.json"
    before = records.read(path)
    assert fit(results, "--task", "chords", "--fill") == 0
    after, bytes_after = records.read(path), path.read_bytes()
    assert all(r.memory["weights_fp32"] <= 4 * r.parameters for r in after.rounds)
    assert complete(before) == after
    assert leaderboard.sections(results)[0].boards is not None
    assert fit(results, SWEEP, "--fill") == 0
    assert path.read_bytes() == bytes_after


def test_a_record_of_another_model_is_refused(results, capsys):
    path = results / f"{SWEEP}.json"
    value = json.loads(path.read_text())
    value["rounds"][3]["parameters"] += 1
    path.write_text(json.dumps(value))
    assert fit(results, SWEEP) == 3
    assert "the task has changed since, run it again" in capsys.readouterr().err
    value["rounds"][3]["widths"]["conv9"] = value["rounds"][3]["widths"].pop("conv1")
    path.write_text(json.dumps(value))
    record = records.read(path)
    with pytest.raises(RecordError, match=r"other groups than the record: conv1, conv9"):
        list(footprints(record))


@pytest.mark.parametrize(("method", "reset", "cut"), [("magnitude-hybrid", "hybrid", True), ("masking", None, False)])
def test_what_was_cut_is_gone_and_what_was_masked_is_there(method, reset, cut):
    record = records.read(CHORDS.parent / f"{SWEEP}.json")
    dense, ticket = record.rounds[0], record.rounds[6]
    masked = ticket if cut else replace(dense, round=6, nonzero=ticket.nonzero, widths=dense.widths)
    run = replace(record.run, method=method)
    entry = replace(masked, memory={})
    found = complete(replace(record, run=run, kind="masked", reset=reset, rounds=(replace(dense, memory={}), entry)))
    assert [r.memory for r in found.rounds] == [dense.memory, (ticket if cut else dense).memory]


def test_the_committed_records_take_seconds():
    begun, nets = time.process_time(), 0
    for path in records.find(CHORDS.parent):
        record = records.read(path)
        if record.run.task == "chords":
            nets += len(list(footprints(record)))
    assert nets > 100
    assert time.process_time() - begun < 30


def test_boards_are_listed(capsys):
    assert main(["list", "boards"]) == 0
    said = capsys.readouterr().out
    assert "uno-r3" in said and "31.5 KB flash, 2 KB RAM, no FPU" in said
    assert main(["list", "boards", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["boards"]) == list(boards.load())


def test_what_a_run_measures_is_what_the_widths_give(magnitude: House):
    path = magnitude.results / "toy" / "made" / "smoke" / "magnitude" / "seed0.json"
    measured = records.read(path)
    assert all(r.memory["arena_fp32"] > 0 for r in measured.rounds)
    assert not any("memory" in warning for warning in measured.warnings)
    for other in ({}, measured.rounds[0].memory | {"arena_fp32": 8}):
        records.amend(path, replace(measured, rounds=tuple(replace(r, memory=other) for r in measured.rounds)))
        done = magnitude.run("fit", "toy/made/smoke/magnitude/seed0", "--fill")
        assert done.returncode == 0, done.stderr
        assert "Arduino Uno R3" in done.stdout
        assert records.read(path) == measured
