"""Runs from the command line to records: sharing, failing, breaking off and going on."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import SMOKE, House

CLOCKS = ("latency_ms", "latency_ratio", "train_seconds")


def record_path(house: House, method: str, seed: int = 0) -> Path:
    return house.results / "toy" / "made" / "smoke" / method / f"seed{seed}.json"


def read(house: House, method: str, seed: int = 0) -> dict[str, Any]:
    return json.loads(record_path(house, method, seed).read_text())


def without_clocks(record: dict[str, Any]) -> dict[str, Any]:
    rounds = [{k: v for k, v in r.items() if k not in CLOCKS} for r in record["rounds"]]
    return {**record, "rounds": rounds}


def test_a_sweep_leaves_a_complete_record(magnitude: House):
    record = read(magnitude, "magnitude")
    assert record["status"] == "complete"
    assert [r["round"] for r in record["rounds"]] == list(range(len(record["rounds"])))
    assert record["rounds"][0]["reached"] == 1.0
    for r in record["rounds"]:
        assert r["reached"] <= r["asked"]
        assert r["nonzero"] <= r["parameters"]
        assert r["macs_per_second"] == pytest.approx(r["macs"] / 0.01)
        low, middle, high = r["latency_ms"]
        assert 0 < low <= middle <= high
    stop = record["rounds"][-1]
    next_budget = 0.7 * stop["asked"] * record["protocol"]["dense_parameters"]
    assert stop["round"] == 15 or record["protocol"]["floor_parameters"] > int(next_budget)


def test_scores_can_be_made_again_from_the_items(magnitude: House):
    record = read(magnitude, "magnitude")
    with np.load(record_path(magnitude, "magnitude").with_suffix(".npz"), allow_pickle=False) as items:
        part = items["toy.accuracy.v1/part"]
        assert part.shape == (len(record["rounds"]), 121)
        for row, r in zip(part, record["rounds"], strict=True):
            assert row.mean() == pytest.approx(r["test"]["toy.accuracy.v1"], rel=1e-5)
        assert items["toy.accuracy.v1/whole"].shape == (1, 121)


def test_the_second_criterion_takes_the_dense_net_from_the_cache(magnitude: House):
    done = magnitude.run(*SMOKE, "--criterion", "random", "--no-controls", "--jobs", "1")
    assert "dense net taken from the cache" in done.stderr
    assert "dense net step" not in done.stderr
    dense = [read(magnitude, m)["rounds"][0] for m in ("magnitude", "random")]
    assert dense[0]["test"] == dense[1]["test"]


def test_what_is_done_is_not_done_again(magnitude: House):
    before = record_path(magnitude, "magnitude").read_bytes()
    done = magnitude.run(*SMOKE, "--criterion", "magnitude", "--no-controls")
    assert "nothing to do" in done.stdout
    assert record_path(magnitude, "magnitude").read_bytes() == before


def test_the_default_brings_its_controls_and_several_processes_give_the_same(magnitude: House):
    done = magnitude.run(*SMOKE, "--results", "two", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    two = magnitude.root / "two" / "toy" / "made" / "smoke"
    names = {path.parent.name for path in two.glob("*/seed0.json")}
    assert names == {"magnitude", "random", "magnitude-reinit", "narrow", "narrow-again", "narrow+", "dense+"}
    again = json.loads((two / "magnitude" / "seed0.json").read_text())
    assert without_clocks(again) == without_clocks(read(magnitude, "magnitude"))
    reinit = json.loads((two / "magnitude-reinit" / "seed0.json").read_text())
    widths = {r["round"]: r["widths"] for r in again["rounds"]}
    assert reinit["rounds"]
    assert all(r["widths"] == widths[r["round"]] for r in reinit["rounds"])
    assert re.search(r"plot: .*\.png", done.stdout)
    assert "made: not used of its files: 1\n  odd.wav: empty\n" in done.stdout


@pytest.mark.parametrize("kill_after", [1, 4, 7])
def test_a_killed_run_goes_on_to_the_same_record(magnitude: House, kill_after: int):
    arguments = (*SMOKE, "--criterion", "magnitude", "--no-controls", "--jobs", "1", "--results", "results2")
    process = magnitude.start(*arguments)
    assert process.stderr is not None
    for line in process.stderr:
        if re.search(rf"round +{kill_after} ", line):
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()
    path = magnitude.root / "results2" / "toy" / "made" / "smoke" / "magnitude" / "seed0.json"
    broken = json.loads(path.read_text())
    assert broken["status"] == "partial"
    assert len(broken["rounds"]) > kill_after
    done = magnitude.run(*arguments)
    assert done.returncode == 0, done.stderr
    assert f"round {kill_after:2d} " not in done.stderr
    assert without_clocks(json.loads(path.read_text())) == without_clocks(read(magnitude, "magnitude"))
    ours, whole = (p.with_suffix(".npz").read_bytes() for p in (path, record_path(magnitude, "magnitude")))
    assert ours == whole


@pytest.mark.parametrize("method", ["random-masked", "masking"])
def test_masked_runs_cost_what_dense_costs_and_go_on_after_a_kill(magnitude: House, method: str):
    arguments = (*SMOKE, "--criterion", method, "--jobs", "1")
    done = magnitude.run(*arguments)
    assert done.returncode == 0, done.stderr
    whole = read(magnitude, method)
    assert (whole["status"], whole["kind"]) == ("complete", "masked")
    dense, *rounds = whole["rounds"]
    assert dense["reached"] == 1.0
    assert len(rounds) > 5
    for r in rounds:
        assert [r[cost] for cost in ("parameters", "macs", "bytes")] == [
            dense[c] for c in ("parameters", "macs", "bytes")
        ]
        assert r["reached"] == pytest.approx(r["nonzero"] / dense["parameters"], rel=1e-5)
        assert 0.8 * r["asked"] < r["reached"] <= r["asked"]
    next_budget = int(0.7 ** (rounds[-1]["round"] + 1) * dense["parameters"])
    assert rounds[-1]["round"] == 15 or whole["protocol"]["floor_parameters"] > next_budget
    assert {path.parent.name for path in magnitude.results.rglob("seed0.json")} == {"magnitude", method}

    process = magnitude.start(*arguments, "--results", "two/results")
    assert process.stderr is not None
    for line in process.stderr:
        if "round  4 " in line:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()
    done = magnitude.run(*arguments, "--results", "two/results")
    assert done.returncode == 0, done.stderr
    assert "round  4 " not in done.stderr
    again = json.loads(
        (magnitude.root / "two" / record_path(magnitude, method).relative_to(magnitude.root)).read_text()
    )
    assert without_clocks(again) == without_clocks(whole)


def test_ctrl_c_keeps_finished_rounds_and_says_so_in_one_line(house: House):
    process = house.start(*SMOKE, "--criterion", "magnitude", "--no-controls", "--jobs", "2")
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if re.search(r"round +2 ", line):
            process.send_signal(signal.SIGINT)
            break
    rest = process.stderr.read()
    assert process.wait() == 130
    assert "interrupted; finished rounds are kept" in rest
    assert "Traceback" not in rest
    assert len(read(house, "magnitude")["rounds"]) >= 3


def test_workers_do_not_outlive_a_killed_parent(house: House):
    process = house.start(*SMOKE, "--criterion", "magnitude", "--no-controls", "--jobs", "2")
    assert process.stderr is not None
    for line in process.stderr:
        if re.search(r"round +1 ", line):
            break
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("this system does not list child processes")
    pids = children.read_text().split()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(alive(pid) for pid in pids):
        time.sleep(0.1)
    assert not [pid for pid in pids if alive(pid)]


def alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


BAD = {
    "raises": ("raise RuntimeError('no idea')", "raised RuntimeError: no idea"),
    "shape": ("return evidence.weights[0]", "wanted a tensor of shape"),
    "nan": ("return evidence.weights[0].sum(1) * float('nan')", "scores that are not finite"),
    "constant": ("return evidence.weights[0].sum(1) * 0 + 1", "gave every unit of a group the same score"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_criterion_fails_its_run_only_and_nothing_is_lost(magnitude: House, bad: str):
    body, message = BAD[bad]
    house = magnitude
    (house.root / "baselines" / "mine.py").write_text(
        '"""Mine."""\nfrom benchmark.task import Card\ncard = Card("t", "s", "MIT")\nneeds = ("weights",)\n'
        f"def score(group, evidence):\n    {body}\n"
    )
    done = house.run(*SMOKE, "--criterion", "mine,narrow", "--no-controls", "--jobs", "1")
    assert done.returncode == 1
    (line,) = [text for text in done.stderr.splitlines() if text.startswith("benchmark:")]
    assert "toy smoke mine seed 0 failed" in line and message in line
    assert "Traceback" not in done.stderr
    assert read(house, "narrow")["status"] == "complete"
    failed = read(house, "mine")
    assert failed["status"] == "failed" and message in failed["reason"]
    assert [r["round"] for r in failed["rounds"]] == [0]
    again = house.run(*SMOKE, "--criterion", "mine", "--no-controls")
    assert "1 failed left as they are; --redo failed does them again" in again.stdout


def test_what_needs_a_failed_run_is_not_run_and_says_why(house: House):
    (house.root / "baselines" / "mine.py").write_text(
        '"""Mine."""\nfrom benchmark.task import Card\ncard = Card("t", "s", "MIT")\nneeds = ()\n'
        "def score(group, evidence):\n    raise ValueError('never')\n"
    )
    done = house.run(*SMOKE, "--criterion", "mine,mine-reinit", "--no-controls", "--jobs", "1")
    assert done.returncode == 1
    assert "toy smoke mine-reinit seed 0 failed: not run: toy smoke mine seed 0 failed" in done.stderr


def test_a_changed_criterion_makes_its_record_stale_and_redo_measures_it_again(magnitude: House):
    file = magnitude.root / "baselines" / "magnitude.py"
    file.write_text(file.read_text().replace("abs()", "abs().square()"))
    done = magnitude.run(*SMOKE, "--criterion", "magnitude", "--no-controls", "--dry-run")
    assert "1 stale left as they are; --redo stale does them again" in done.stdout
    before = read(magnitude, "magnitude")
    done = magnitude.run(*SMOKE, "--criterion", "magnitude", "--no-controls", "--redo", "stale", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    after = read(magnitude, "magnitude")
    assert after["code"] != before["code"]
    assert after["status"] == "complete"


def test_a_damaged_record_is_set_aside_and_measured_again(magnitude: House):
    path = record_path(magnitude, "magnitude")
    whole = read(magnitude, "magnitude")
    path.write_bytes(path.read_bytes()[:500])
    done = magnitude.run(*SMOKE, "--criterion", "magnitude", "--no-controls", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert "is damaged; it is kept as seed0.json.damaged, the run is done again" in done.stderr
    assert without_clocks(read(magnitude, "magnitude")) == without_clocks(whole)
    assert path.with_name("seed0.json.damaged").stat().st_size == 500


def test_a_damaged_dense_net_in_the_cache_is_trained_again(magnitude: House):
    for file in (magnitude.root / "cache" / "dense").rglob("trained.safetensors"):
        file.write_bytes(file.read_bytes()[:100])
    done = magnitude.run(*SMOKE, "--criterion", "random", "--no-controls", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    dense = [read(magnitude, m)["rounds"][0] for m in ("magnitude", "random")]
    assert dense[0]["test"] == dense[1]["test"]


def test_damaged_weights_of_a_broken_off_run_make_it_begin_anew(magnitude: House):
    path = record_path(magnitude, "magnitude")
    whole = read(magnitude, "magnitude")
    partial = {**whole, "status": "partial", "rounds": whole["rounds"][:4]}
    path.write_text(json.dumps(partial))
    for file in (magnitude.root / "cache" / "runs").rglob("round-03.safetensors"):
        file.write_bytes(b"\0" * 64)
    done = magnitude.run(*SMOKE, "--criterion", "magnitude", "--no-controls", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert without_clocks(read(magnitude, "magnitude")) == without_clocks(whole)


def test_training_noise_is_not_zero(house: House):
    done = house.run(*SMOKE, "--criterion", "narrow,narrow-again", "--no-controls", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    scores = [[r["validation"] for r in read(house, m)["rounds"]] for m in ("narrow", "narrow-again")]
    assert scores[0] != scores[1]
