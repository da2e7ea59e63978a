"""What `verify` lets through, and what it does not: an honest record of every kind, and each way to tamper with one."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from benchmark import cli, records
from benchmark.hardware.tickets import beside
from benchmark.journal import weights_file
from benchmark.records import RunKey
from benchmark.states import load_state, save_state
from benchmark.submission.record_check import Opened, _drawn
from tests.submission.conftest import METHODS

Edit = Callable[[dict[str, Any]], None]


def place(results: Path, method: str = "magnitude") -> Path:
    return RunKey("toy", "made", "smoke", method, 0).path(results)


def verified(capsys: pytest.CaptureFixture[str], results: Path, *more: str) -> tuple[int, str]:
    code = cli.main(["verify", "--results", str(results), *more])
    return code, capsys.readouterr().out


def edit(path: Path, change: Edit) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def refused(capsys: pytest.CaptureFixture[str], path: Path, results: Path, *more: str) -> str:
    """The lines on what is wrong; nothing of a traceback, and exit code 3."""
    code, out = verified(capsys, results, str(path), *more)
    assert code == 3, out
    assert "Traceback" not in out
    return out


def test_honest_records_of_every_kind_hold_and_are_scored_again_to_the_last_digit(results, capsys):
    code, out = verified(capsys, results)
    assert code == 0, out
    assert f"{len(METHODS)} records: {len(METHODS)} hold, 0 do not" in out
    assert "1 data sets made again" in out
    rounds = sum(len(records.read(place(results, method)).rounds) for method in METHODS)
    assert f"{rounds} nets scored again from weights (0 without weights here)" in out
    assert f"{rounds} nets counted again" in out


def test_a_sample_is_that_many_rounds_and_always_the_same(results, capsys):
    paths = [str(place(results, method)) for method in ("narrow", "narrow+", "dense+")]
    _, first = verified(capsys, results, "--sample", "3", *paths)
    assert "3 nets scored again from weights (0 without" in first
    assert verified(capsys, results, "--sample", "3", *paths)[1] == first


def test_a_sample_is_over_all_rounds_of_all_records():
    opened = [
        Opened(Path(name), SimpleNamespace(rounds=[SimpleNamespace(round=k) for k in range(16)]), None)
        for name in "abcd"
    ]
    few = _drawn(opened, 20)
    assert sum(map(len, few.values())) == 20
    assert len(few) == 4
    assert _drawn(opened, None) == {Path(name): tuple(range(16)) for name in "abcd"}


def test_without_data_nothing_is_made_again(results, capsys):
    code, out = verified(capsys, results, str(place(results)), "--no-data")
    assert code == 0
    assert "0 data sets made again, 0 nets scored again" in out


def test_a_record_is_named_by_its_run_or_its_file(results, capsys):
    for name in ("toy/made/smoke/narrow/seed0", str(place(results, "narrow"))):
        code, out = verified(capsys, results, name, "--no-data")
        assert code == 0
        assert "1 records: 1 hold" in out


def first_round(**changes: Any) -> Edit:
    return lambda r: r["rounds"][1].update(changes)


def protocol(**changes: Any) -> Edit:
    return lambda r: r["protocol"].update(changes)


def score_edited(r: dict[str, Any]) -> None:
    r["rounds"][1]["test"]["toy.accuracy.v1"] += 0.01


def second_score_edited(r: dict[str, Any]) -> None:
    r["rounds"][1]["test"]["toy.macro_f1.v1"] += 0.01


def score_of_validation_gone(r: dict[str, Any]) -> None:
    r["rounds"][1]["validation"] = {}


def validation_edited(r: dict[str, Any]) -> None:
    r["rounds"][1]["validation"]["toy.accuracy.v1"] += 0.01


def too_many_rounds(r: dict[str, Any]) -> None:
    r["rounds"] = [r["rounds"][0] | {"round": k} for k in range(20)]


def width_edited(r: dict[str, Any]) -> None:
    widths = r["rounds"][1]["widths"]
    widths[max(widths, key=widths.get)] -= 1


def group_unknown(r: dict[str, Any]) -> None:
    r["rounds"][1]["widths"]["other"] = 3


def round_gone(r: dict[str, Any]) -> None:
    del r["rounds"][2]


def last_round_gone(r: dict[str, Any]) -> None:
    del r["rounds"][-1]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (score_edited, "round 1 says toy.accuracy.v1 = "),
        (second_score_edited, "round 1 says toy.macro_f1.v1 = "),
        (score_of_validation_gone, "no validation score 'toy.accuracy.v1'"),
        (validation_edited, "validation toy.accuracy.v1 is "),
        (too_many_rounds, "has 20 rounds, of 16"),
        (width_edited, "parameters, and a net of its widths has"),
        (group_unknown, "widths of other groups than the model's: ['other']"),
        (first_round(widths={"first": 1}), "widths of other groups"),
        (round_gone, "one is missing"),
        (last_round_gone, "and the floor allows"),
        (first_round(parameters=7), "7 parameters, and a net of its widths has"),
        (first_round(macs=7), "7 macs, and a net of its widths has"),
        (first_round(bytes=7), "7 bytes, and a net of its widths has"),
        (first_round(memory={"weights_fp32": 7}), "is not that of a net of its widths"),
        (first_round(reached=0.5), "reached is 0.5, and it is"),
        (first_round(asked=0.5), "asked is 0.5, and it is 0.7"),
        (first_round(macs_per_second=7.0), "macs_per_second is 7, and it is"),
        (first_round(nonzero=10**6), "1000000 non-zeros of"),
        (first_round(steps=500), "500 steps, and the protocol has 46"),
        (first_round(best_step=51), "its best step is 51 of 50"),
        (lambda r: r.update(kind="masked"), "kind is 'masked', and a run of magnitude has 'sweep'"),
        (lambda r: r.update(criterion="random"), "criterion is 'random', and a run of magnitude has 'magnitude'"),
        (lambda r: r.update(reset="finetune"), "reset is 'finetune', and a run of magnitude has 'rewind'"),
        (lambda r: r.update(reason="tired"), "is complete and has a reason for failing"),
        (protocol(version=2), "protocol version is 2"),
        (protocol(steps=500), "protocol steps is 500"),
        (protocol(rewind_step=0), "protocol rewind_step is 0"),
        (protocol(round_steps=1), "protocol round_steps is 1"),
        (protocol(minimum_units=1), "protocol minimum_units is 1"),
        (protocol(dense_parameters=10**6), "protocol dense_parameters is 1000000"),
        (protocol(floor_parameters=1), "protocol floor_parameters is 1"),
        (protocol(floor_widths={"first": 1}), "protocol floor_widths is"),
        (protocol(frozen={}), "protocol frozen is []"),
        (protocol(selection={"scope": "local"}), "protocol selection is"),
        (protocol(limit=10), "protocol has the unknown field 'limit'"),
        (lambda r: r["task"].update(tolerance=0.5), "task tolerance is 0.5, the task says 0.05"),
        (lambda r: r["task"].update(seconds=1.0), "task seconds is 1.0, the task says 0.01"),
        (lambda r: r["task"].update(version=2), "task version is 2, the task says 1"),
        (lambda r: r["task"]["metrics"].pop(), "task metrics is"),
        (lambda r: r["data"].update(digest="0" * 64), "measured on other data (000000000000) than the task makes"),
    ],
)
def test_a_record_that_was_edited_is_refused(results, capsys, change, line):
    path = place(results)
    edit(path, change)
    assert line in refused(capsys, path, results)


@pytest.mark.parametrize(
    ("method", "change", "line"),
    [
        ("narrow", width_edited, "its widths are not those of the uniformly narrower net"),
        ("narrow+", lambda r: r["rounds"][0].update(steps=46), "46 steps, and the protocol has 234"),
        ("narrow", lambda r: r["rounds"].pop(), "and a complete run of narrow has"),
        ("dense+", lambda r: r["rounds"][0].update(round=4), "has rounds [4]"),
        ("magnitude-reinit", width_edited, "its widths are not those of magnitude, whose they are said to be"),
        ("magnitude-masked", lambda r: r["rounds"][1].update(nonzero=3000), "3000 parameters, where the budget is"),
        ("magnitude-masked", lambda r: r.update(kind="sweep"), "kind is 'sweep', and a run of magnitude-masked has"),
        ("random-units30", lambda r: r["rounds"][-1].update(round=1), "not in rising order"),
    ],
)
def test_each_kind_of_method_is_held_to_its_own_rules(results, capsys, method, change, line):
    path = place(results, method)
    edit(path, change)
    assert line in refused(capsys, path, results, "--no-data")


def test_a_net_above_its_budget_is_refused_though_its_costs_are_its_own(results, capsys):
    path = place(results)

    def swap(r):
        wider = r["rounds"][0]
        for name in ("widths", "parameters", "macs", "bytes", "nonzero", "reached", "macs_per_second", "memory"):
            r["rounds"][1][name] = wider[name]

    edit(path, swap)
    assert "parameters, where the budget is" in refused(capsys, path, results, "--no-data")


def test_swapped_weights_are_refused(results, capsys, measured, tmp_path, monkeypatch):
    path = place(results, "narrow")
    record = records.read(path)
    for entry in record.rounds:
        shutil.copy(weights_file(record, entry.round), beside(path, entry.round))
    number = record.rounds[0].round
    state = load_state(beside(path, number))
    save_state(beside(path, number), {name: -t if "out" in name else t for name, t in state.items()})
    assert ", its weights give" in refused(capsys, path, results)
    shutil.copy(weights_file(record, record.rounds[1].round), beside(path, number))
    assert "parameters where the record has" in refused(capsys, path, results)


def test_weights_that_are_not_numbers_or_not_weights_are_refused(results, capsys):
    path = place(results, "narrow")
    record = records.read(path)
    number = record.rounds[0].round
    state = load_state(weights_file(record, number))
    save_state(beside(path, number), {name: t * torch.nan if t.is_floating_point() else t for name, t in state.items()})
    assert "its weights give" in refused(capsys, path, results)
    beside(path, number).write_bytes(b"\xff" * 100)
    assert "damaged" in refused(capsys, path, results)
    with beside(path, number).open("wb") as file:
        file.truncate(1 << 33)
    assert "larger than" in refused(capsys, path, results)


def test_a_record_under_another_path_is_refused(results, capsys):
    path, other = place(results), place(results, "random")
    other.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".json", ".npz"):
        shutil.copy(path.with_suffix(suffix), other.with_suffix(suffix))
    assert "is the record of toy/made/smoke/magnitude/seed0" in refused(capsys, other, results)


def test_a_record_where_no_record_lies_is_told(results, capsys):
    shutil.copy(place(results), results / "toy" / "seed0.json")
    code, out = verified(capsys, results, "--no-data")
    assert code == 3
    assert "lies where no record does" in out


def test_a_record_reached_through_a_link_is_refused(results, capsys, tmp_path):
    path = place(results)
    path.rename(tmp_path / "outside.json")
    path.symlink_to(tmp_path / "outside.json")
    assert "reached through a link" in refused(capsys, path, results)


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("task", "tasq", "there is no task 'tasq' here; bring it with --plugins DIR"),
        ("data", "found", "task 'toy' has no data set 'found'"),
        ("profile", "huge", "there is no profile 'huge'"),
        ("method", "magnitud", "no criterion or control 'magnitud': did you mean 'magnitude'"),
        ("method", "../../../x", "is no name for a task, data set, profile or method"),
    ],
)
def test_a_record_of_what_is_not_here_is_refused(results, capsys, key, value, line):
    whole = json.loads(place(results).read_text())
    whole["run"][key] = value
    if key == "method":
        whole["criterion"] = value
    named = whole["run"] if "/" not in value else whole["run"] | {"method": "magnitude"}
    path = results / named["task"] / named["data"] / named["profile"] / named["method"] / "seed0.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole))
    out = refused(capsys, path, results)
    assert line in out
    assert out.splitlines()[0].count(str(path)) == 1


def npz(path: Path, **arrays: np.ndarray) -> None:
    flat = dict(np.load(path.with_suffix(".npz"))) | {name.replace("__", "/"): a for name, a in arrays.items()}
    np.savez_compressed(path.with_suffix(".npz"), **flat)


def test_items_that_are_altered_cut_short_or_of_other_sources_are_refused(results, capsys):
    path = place(results)
    whole = path.with_suffix(".npz").read_bytes()
    part = np.load(path.with_suffix(".npz"))["toy.accuracy.v1/part"]
    for arrays, line in (
        ({"toy.accuracy.v1/part": 1 - part}, "its items give"),
        (
            {"toy.accuracy.v1/part": 2 * part, "toy.accuracy.v1/whole": 2 + 0 * part[:1]},
            "are not those of the test set",
        ),
        ({"toy.accuracy.v1/part": part[:2]}, "with a row for every round"),
        ({"toy.accuracy.v1/part": part * np.nan}, "not a finite number"),
        ({"toy.accuracy.v1/part": part[:, :5]}, "wanted (rounds, 121)"),
        ({"sources": np.zeros(121, np.int64)}, "the test set has 1 sources"),
        ({"sources": np.arange(121) // 2}, "its items are not of the sources of the test set"),
        ({"other.v1/part": part}, "has items of 'other.v1', which is no metric of the record"),
        ({"toy.macro_f1.v1/guess": np.full(part.shape, 10**6)}, "has class numbers outside"),
    ):
        npz(path, **arrays)
        assert line in refused(capsys, path, results)
        path.with_suffix(".npz").write_bytes(whole)


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path.with_suffix(".npz"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sources.npy", bytes(80_000_000))


def many_items_of_many_classes(path: Path) -> None:
    guess = np.zeros((1, 200_000), np.int16)
    guess[0, 0] = 1000
    arrays = {"sources": np.zeros(200_000, np.uint8), "toy.macro_f1.v1/guess": guess}
    np.savez_compressed(path.with_suffix(".npz"), **arrays)


def huge_header(path: Path) -> None:
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)})
    with zipfile.ZipFile(path.with_suffix(".npz"), "w") as archive:
        archive.writestr("sources.npy", member.getvalue())


def empty_arrays(path: Path) -> None:
    empty = np.zeros((1, 0), np.uint8)
    np.savez(path.with_suffix(".npz"), **{"sources": np.zeros(0, np.int64), "toy.macro_f1.v1/truth": empty})


@pytest.mark.parametrize(
    ("tamper", "line"),
    [
        (bomb, "unpacks to more than"),
        (many_items_of_many_classes, "classes times items, of 4000000"),
        (huge_header, "not readable"),
        (empty_arrays, "has 0 items"),
        (lambda path: path.with_suffix(".npz").unlink(), "not readable"),
        (lambda path: path.with_suffix(".npz").write_bytes(b"PK" + bytes(100)), "not readable"),
        (lambda path: path.with_suffix(".npz").write_bytes(bytes(2_000_000)), "larger than 1000000 bytes"),
        (lambda path: path.write_text("[" * 100_000), "not readable as JSON"),
        (lambda path: path.write_text('{"schema": 1, "schema": 1}'), "stands twice"),
        (lambda path: path.write_text(path.read_text().replace("0.05", "NaN")), "NaN is no JSON number"),
        (lambda path: path.write_text("x" * 2_000_000), "larger than 1000000 bytes"),
        (lambda path: path.write_text(path.read_text().replace('"reason": ""', '"reason": 7')), "reason is int"),
    ],
)
def test_hostile_files_are_refused_in_a_line_each(results, capsys, tamper, line):
    path = place(results)
    tamper(path)
    out = refused(capsys, path, results)
    assert line in out
    assert all(len(one) <= 420 for one in out.splitlines())


def test_a_pipe_in_the_place_of_a_record_is_not_read(results, capsys):
    path = place(results)
    path.unlink()
    os.mkfifo(path)
    code, out = verified(capsys, results, "--no-data")
    assert code == 3
    assert "is no plain file" in out


def test_what_a_record_says_cannot_act_on_the_terminal(results, capsys):
    path = place(results)
    edit(path, protocol(**{"\x1b[2J\nverify: all good": 1}))
    out = refused(capsys, path, results, "--no-data")
    assert "\x1b" not in out
    assert not any(line.startswith("verify: all good") for line in out.splitlines())


def test_a_stale_record_is_told_and_holds(results, capsys):
    path = place(results, "narrow")
    edit(path, lambda r: (r["code"].update(training="0" * 64), r["code"].pop("trimming")))
    code, out = verified(capsys, results, str(path))
    assert code == 0
    assert "note: 1 of 1 records: stale: measured with other code than is here of: training, trimming" in out


def test_a_folder_that_is_not_there_is_no_folder_of_sound_records(tmp_path, capsys):
    assert cli.main(["verify", "--results", str(tmp_path / "nowhere")]) == 2
    assert "nowhere is no folder of records; name one with --results" in capsys.readouterr().err
