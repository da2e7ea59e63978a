"""What was executed, beside the record: written, merged, read, refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark import records
from benchmark.errors import RecordError
from benchmark.hardware import evidence
from benchmark.hardware.evidence import Execution
from benchmark.records import RunKey

RUN = RunKey("chords", "rendered", "quick", "magnitude", 0)
ON_MEGA = Execution(
    round=12,
    board="mega-2560",
    format="int8",
    outcome="ran",
    flash_bytes=14_530,
    ram_bytes=2_019,
    cycles=5_960_000,
    seconds=(0.3725, 0.3725, 0.3725),
    clock="exact",
    parity=0.0,
    items=50,
    score=0.871,
    reference_score=0.8731234,
    tools={"simavr": "1.6"},
)
TOO_LARGE = Execution(0, "uno-r3", "fp32", "flash", message="region `text' overflowed by 1 MB")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = RUN.path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    return path


def test_nothing_was_executed(record):
    assert evidence.read(record, RUN) == ()


def test_there_and_back(record):
    evidence.add(record, RUN, [ON_MEGA, TOO_LARGE])
    assert evidence.read(record, RUN) == (TOO_LARGE, replace(ON_MEGA, reference_score=0.873123))


def test_what_was_written_before_streams_were_executed_is_read(record):
    path = evidence.add(record, RUN, [ON_MEGA, replace(TOO_LARGE, streamed=True)])
    value = json.loads(path.read_text())
    assert value["executed"][1].pop("streamed") is False
    path.write_text(json.dumps(value))
    assert [e.streamed for e in evidence.read(record, RUN)] == [True, False]


def test_the_newer_execution_stays(record):
    evidence.add(record, RUN, [ON_MEGA, TOO_LARGE])
    evidence.add(record, RUN, [replace(ON_MEGA, score=0.5)])
    assert [e.score for e in evidence.read(record, RUN)] == [None, 0.5]


def test_it_is_no_record(record, tmp_path):
    evidence.add(record, RUN, [ON_MEGA])
    assert list(records.find(tmp_path)) == [record]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.update(schema=2), "schema 2, this version reads 1"),
        (lambda v: v["run"].update(seed=1), "belongs to another run than chords/rendered/quick/magnitude/seed0"),
        (lambda v: v["executed"].append(v["executed"][0]), "stand twice"),
        (lambda v: v["executed"][0].update(luck=1), "unknown field 'luck'"),
        (lambda v: v["executed"][0].update(outcome="well"), "outcome 'well'"),
        (lambda v: v["executed"][0].update(format="fp16"), "format 'fp16' is unknown"),
        (lambda v: v["executed"][0].update(round=-1), "round -1"),
        (lambda v: v["executed"][0].update(ram_bytes=1.5), "a count is no whole number"),
        (lambda v: v["executed"][0].update(seconds=[3, 2, 1]), "seconds are not low, middle, high"),
        (lambda v: v["executed"][0].update(score="high"), "a figure is not a finite number"),
        (lambda v: v["executed"][0].update(streamed="no"), "message, clock, tools or streamed are of the wrong kind"),
        (lambda v: v.pop("executed"), "'executed'"),
    ],
)
def test_damage_is_one_line_that_says_where(record, change, message):
    path = evidence.add(record, RUN, [ON_MEGA])
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))
    with pytest.raises(RecordError, match=message) as caught:
        evidence.read(record, RUN)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": NaN}', "3"])
def test_no_such_file_at_all(record, text):
    evidence.path_of(record).write_text(text)
    with pytest.raises(RecordError, match="delete it and execute again"):
        evidence.read(record, RUN)
