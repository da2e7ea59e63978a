"""Stale records that come out the same again, and those that do not."""

from __future__ import annotations

import json
import shutil

import pytest

from benchmark import records
from benchmark.errors import RecordError
from tests.conftest import SMOKE, House

NAME = "toy/made/smoke/magnitude/seed0"


def append(house: House, file: str, line: str) -> None:
    path = house.root / "benchmark" / file
    path.write_text(path.read_text() + line)


def read(house: House) -> records.Record:
    return records.read(house.results / f"{NAME}.json")


def test_code_that_computes_the_same_leaves_the_record_current(magnitude: House):
    before = read(magnitude)
    append(magnitude, "budgets.py", "\nNOTHING = 0\n")
    assert "1 stale" in magnitude.run(*SMOKE, "--no-controls", "--dry-run", "--redo", "stale").stdout
    done = magnitude.run("renew")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{NAME}: renewed, the same in rounds 0, " in done.stdout
    after = read(magnitude)
    assert after.code != before.code and after.rounds == before.rounds
    (renewal,) = after.renewals
    assert renewal["code"] == before.code and renewal["rounds"][0] == 0 and len(renewal["rounds"]) == 2
    assert "nothing to do" in magnitude.run(*SMOKE, "--no-controls", "--redo", "stale").stdout
    assert "1 records: 0 renewed, 1 current, 0 left" in magnitude.run("renew").stdout
    append(magnitude, "budgets.py", "NOTHING = 1\n")
    # The weights have moved with the record.
    assert "renewed, the same in rounds 2, 4" in magnitude.run("renew", NAME, "--rounds", "2,4").stdout
    assert len(read(magnitude).renewals) == 2


def test_code_that_computes_something_else_leaves_the_record_stale(magnitude: House):
    before = (magnitude.results / f"{NAME}.json").read_bytes()
    append(magnitude, "training.py", "\nREWARM = 0.5\n")
    done = magnitude.run("renew", "--rounds", "3")
    assert done.returncode == 1
    assert f"{NAME}: left: round 3: " in done.stdout and "1 records: 0 renewed, 0 current, 1 left" in done.stdout
    assert (magnitude.results / f"{NAME}.json").read_bytes() == before


def test_without_the_weights_before_a_round_it_cannot_be_done_again(magnitude: House):
    append(magnitude, "budgets.py", "\nNOTHING = 0\n")
    shutil.rmtree(magnitude.root / "cache" / "runs")
    done = magnitude.run("renew", "--rounds", "3")
    assert done.returncode == 1
    assert "the weights before rounds 3 are not here; run it again" in done.stdout
    # The first round begins with the dense net.
    assert "renewed, the same in rounds 0, 1" in magnitude.run("renew").stdout


def test_a_control_is_renewed_by_its_first_round(house: House):
    done = house.run(*SMOKE, "--criterion", "narrow", "--no-controls", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    append(house, "budgets.py", "\nNOTHING = 0\n")
    assert "narrow/seed0: renewed, the same in rounds 4\n" in house.run("renew").stdout


def test_rounds_that_are_no_numbers_are_a_usage_error(house: House):
    done = house.run("renew", "--rounds", "all")
    assert done.returncode == 2 and "--rounds all: whole numbers with commas between" in done.stderr


@pytest.mark.parametrize(
    "wrong", [{"rounds": [1]}, {"rounds": ["1"], "code": {}}, {"rounds": [-1], "code": {}}, {"rounds": [1], "code": 3}]
)
def test_a_renewal_in_a_record_is_hostile_input(magnitude: House, wrong):
    path = magnitude.results / f"{NAME}.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps(value | {"renewals": [{"rounds": [0, 3], "code": {"task": "x"}}]}))
    assert records.read(path).renewals == ({"rounds": [0, 3], "code": {"task": "x"}},)
    path.write_text(json.dumps(value | {"renewals": [wrong]}))
    with pytest.raises(RecordError, match=r"renewal|'code' is missing"):
        records.read(path)
