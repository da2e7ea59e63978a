import csv

import pytest

from benchmark.leaderboard import frame, write_csv
from tests.conftest import House


def test_every_net_is_a_row(lived_in: House, tmp_path):
    table = frame(lived_in.results)
    assert list(table["round"]) == list(range(len(table)))
    assert set(table["method"]) == {"magnitude"}
    assert table.loc[0, "reached"] == 1.0
    assert table["parameters"].is_monotonic_decreasing
    write_csv(lived_in.results, tmp_path / "all.csv")
    with (tmp_path / "all.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["test toy.accuracy.v1"]) for row in rows] == pytest.approx(list(table["test toy.accuracy.v1"]))


def test_no_records_is_an_empty_table(tmp_path):
    assert frame(tmp_path).empty
