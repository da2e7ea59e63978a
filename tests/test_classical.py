"""What commands of tasks print of the dense net beside a classical method: paired, with intervals, or one line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmark.classical import Both, compared, parser, printed
from benchmark.errors import DataError
from benchmark.task import Evaluation, Metric
from tests.toy_task import Toy

METRIC = Metric("toy.right.v1", "ratio")
SOURCES = np.arange(4)


def right(parts: list[float]) -> Evaluation:
    """So much of each of four sources."""
    items = {METRIC.id: {"part": np.array(parts), "whole": np.ones(4)}}
    return Evaluation({METRIC.id: float(np.mean(parts))}, items)


def test_the_lead_is_paired_over_sources() -> None:
    uneven, lower = right([0.9, 0.1, 0.5, 0.7]), right([0.8, 0.0, 0.4, 0.6])
    found = compared(METRIC, "rule", [Both(uneven, lower, SOURCES)] * 2)
    assert found["sources"] == [4, 4]
    assert found["dense"]["value"] == 0.55 and found["rule"]["value"] == 0.45
    assert found["dense"]["low"] < 0.5 < 0.6 < found["dense"]["high"] and found["dense"]["standard error"] > 0.05
    assert found["lead"] == {"value": 0.1, "low": 0.1, "high": 0.1, "standard error": 0}


def test_a_lead_of_some_sources_is_uncertain() -> None:
    lead = compared(METRIC, "rule", [Both(right([1, 1, 1, 1]), right([1, 1, 0, 1]), SOURCES)])["lead"]
    assert lead["value"] == 0.25 and 0 <= lead["low"] < 0.25 < lead["high"] <= 1


def test_a_report_is_json_and_what_is_wrong_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(lambda: {"0": {"dense": 0.5}}) == 0
    assert json.loads(capsys.readouterr().out) == {"0": {"dense": 0.5}}

    def fails() -> object:
        raise DataError("no folder x; put it there")

    assert printed(fails) == 1
    assert capsys.readouterr() == ("", "no folder x; put it there\n")


def test_the_options_are_those_of_run() -> None:
    options = parser("tasks.toy.compare", None, Toy())
    found = options.parse_args(["--profile", "smoke", "--seeds", "0", "2"])
    assert (found.data, found.data_home, found.profile, found.seeds) == (Toy.datasets[0].name, None, "smoke", [0, 2])
    with pytest.raises(SystemExit):
        options.parse_args(["--data", "none"])
