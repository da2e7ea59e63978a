from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark import records
from benchmark.errors import RecordError, UsageError
from benchmark.records import Items, Record, Round, RunKey

METRIC = "toy.accuracy.v1"
ROUND = Round(
    round=0,
    asked=1.0,
    reached=1.0,
    parameters=1000,
    nonzero=1000,
    bytes=4000,
    macs=5000,
    macs_per_second=5e4,
    latency_ms=[0.9, 1.0, 1.1],
    latency_ratio=[0.9, 1.0, 1.1],
    widths={"conv": 8},
    steps=100,
    best_step=90,
    train_seconds=1.5,
    validation={METRIC: 0.9},
    test={METRIC: 0.75},
)
RECORD = Record(
    run=RunKey("toy", "made", "quick", "narrow+", 2),
    status="partial",
    kind="control",
    criterion=None,
    reset=None,
    reason="",
    protocol={"version": 1},
    task={
        "version": 1,
        "metrics": [{"id": METRIC, "reduction": "ratio", "higher_is_better": True}],
        "tolerance": 0.02,
        "seconds": 1.0,
    },
    data={"digest": "da7a", "manifest": {"items": 4}},
    code={"harness": "c0de"},
    environment={"cpu": "toy"},
    rounds=(ROUND, replace(ROUND, round=4, asked=0.2401, reached=0.24)),
    warnings=("one",),
)
ITEMS = Items(
    np.arange(4),
    {METRIC: {"part": np.array([[1.0, 1, 1, 0], [0, 0.5, 1, 1]]), "whole": np.ones((1, 4))}},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return records.write(tmp_path, RECORD, ITEMS)


class TestRoundTrip:
    def test_record(self, path: Path, tmp_path: Path) -> None:
        assert path == tmp_path / "toy/made/quick/narrow+/seed2.json"
        assert records.read(path) == RECORD
        assert records.read_at(tmp_path, path) == RECORD
        assert records.read(path).primary == METRIC
        assert list(records.find(tmp_path)) == [path]

    def test_items(self, path: Path) -> None:
        items = records.read_items(path)
        np.testing.assert_array_equal(items.sources, ITEMS.sources)
        np.testing.assert_array_equal(items.of(METRIC, 1)["part"], [0, 0.5, 1, 1])
        np.testing.assert_array_equal(items.of(METRIC, 1)["whole"], np.ones(4))

    def test_same_content_same_bytes(self, path: Path, tmp_path: Path) -> None:
        other = records.write(tmp_path / "other", RECORD, ITEMS)
        backwards = {name: ITEMS.arrays[METRIC][name] for name in ("whole", "part")}
        third = records.write(tmp_path / "third", RECORD, Items(ITEMS.sources, {METRIC: backwards}))
        for suffix in (".json", ".npz"):
            content = path.with_suffix(suffix).read_bytes()
            assert content == other.with_suffix(suffix).read_bytes() == third.with_suffix(suffix).read_bytes()

    def test_floats_keep_six_digits_and_numpy_numbers_are_plain(self, tmp_path: Path) -> None:
        entry = replace(ROUND, test={METRIC: np.float32(1 / 3)}, macs=np.int64(7))
        read = records.read(records.write(tmp_path, replace(RECORD, rounds=(entry,)), ITEMS))
        assert read.rounds[0].test == {METRIC: 0.333333}
        assert read.rounds[0].macs == 7

    def test_writing_again_replaces(self, path: Path, tmp_path: Path) -> None:
        records.write(tmp_path, replace(RECORD, status="complete"), ITEMS)
        assert records.read(path).status == "complete"
        assert sorted(p.name for p in path.parent.iterdir()) == ["seed2.json", "seed2.npz"]

    def test_find_is_sorted_and_sees_only_records(self, tmp_path: Path) -> None:
        for seed in (2, 0, 1):
            records.write(tmp_path, replace(RECORD, run=replace(RECORD.run, seed=seed)), ITEMS)
        (tmp_path / "toy/made/quick/narrow+/.seed7.json.123").write_text("half")
        (tmp_path / "toy/notes.json").write_text("{}")
        assert [p.name for p in records.find(tmp_path)] == ["seed0.json", "seed1.json", "seed2.json"]


class TestAtomicity:
    def test_killed_between_the_two_files(self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The old record stays, whole, and its items are still the first rows."""
        more = replace(RECORD, rounds=(*RECORD.rounds, replace(ROUND, round=8)))
        part = np.vstack([ITEMS.arrays[METRIC]["part"], [[1.0, 1, 1, 1]]])
        real = Path.replace

        def killed(self: Path, target: Path) -> Path:
            if target.suffix == ".json":
                raise KeyboardInterrupt
            return real(self, target)

        monkeypatch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            records.write(tmp_path, more, Items(ITEMS.sources, {METRIC: {"part": part, "whole": np.ones((1, 4))}}))
        assert records.read(path) == RECORD
        items = records.read_items(path)
        assert len(items.arrays[METRIC]["part"]) == 3
        np.testing.assert_array_equal(items.of(METRIC, 0)["part"], [1, 1, 1, 0])
        assert list(records.find(tmp_path)) == [path]

    def test_killed_while_the_first_is_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def killed(self: Path, content: bytes) -> int:
            with self.open("wb") as file:
                file.write(content[: len(content) // 2])
            raise KeyboardInterrupt

        monkeypatch.setattr(Path, "write_bytes", killed)
        with pytest.raises(KeyboardInterrupt):
            records.write(tmp_path, RECORD, ITEMS)
        assert list(records.find(tmp_path)) == []

    def test_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "results").write_text("a file")
        with pytest.raises(UsageError, match=r"cannot write .*; choose a folder .* with --results"):
            records.write(tmp_path / "results", RECORD, ITEMS)

    def test_not_a_number_is_never_written(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="not JSON compliant"):
            records.write(tmp_path, replace(RECORD, rounds=(replace(ROUND, test={METRIC: float("nan")}),)), ITEMS)
        assert not list(tmp_path.rglob("*.*"))


Change = Callable[[dict[str, Any]], object]


def put(*where: str | int, value: Any) -> Change:
    def change(record: dict[str, Any]) -> None:
        inner: Any = record
        for key in where[:-1]:
            inner = inner[key]
        inner[where[-1]] = value

    return change


def drop(*where: str | int) -> Change:
    def change(record: dict[str, Any]) -> None:
        inner: Any = record
        for key in where[:-1]:
            inner = inner[key]
        del inner[where[-1]]

    return change


BAD: list[tuple[Change, str]] = [
    (put("schema", value=99), "schema 99, this version reads 1"),
    (drop("schema"), "schema None"),
    (drop("status"), "fields status are missing or unknown"),
    (put("extra", value=1), "fields extra are missing or unknown"),
    (put("status", value="done"), "status 'done' or kind 'control' is unknown"),
    (put("kind", value="magic"), "status 'partial' or kind 'magic' is unknown"),
    (put("run", value=[]), "run is list"),
    (put("run", "task", value="../up"), "'../up' is no name"),
    (put("run", "method", value="a|b"), "'a|b' is no name"),
    (put("run", "data", value=7), "7 is no name"),
    (put("run", "seed", value=-1), "seed -1 is no whole number"),
    (put("run", "seed", value=True), "seed True is no whole number"),
    (drop("run", "seed"), "missing 1 required positional argument: 'seed'"),
    (put("reason", value=None), "reason is NoneType"),
    (put("criterion", value=3), "criterion is int"),
    (put("kind", value="sweep"), r"kind is 'sweep', and a run of narrow\+ has 'control'"),
    (put("criterion", value="narrow+"), r"criterion is 'narrow\+', and a run of narrow\+ has None"),
    (put("reset", value="rewind"), r"reset is 'rewind', and a run of narrow\+ has None"),
    (put("run", "method", value="magnitude-freshest"), "'magnitude-freshest' is no method"),
    (put("run", "method", value="magnitude-reinit-reinit"), "asks for two kinds of reset"),
    (put("run", "method", value="narrow-local"), "'narrow' has no variants"),
    (put("run", "method", value="dense"), "kind is 'control', and a run of dense has 'sweep'"),
    (put("warnings", value="text"), "warnings is str"),
    (put("rounds", value={}), "rounds is dict"),
    (put("environment", value=[]), "environment is list"),
    (put("task", "metrics", value=[]), "the task has no metric"),
    (drop("task", "metrics"), "'metrics' is missing"),
    (put("task", "metrics", 0, "reduction", value="magic"), "unknown reduction 'magic'"),
    (put("task", "metrics", 0, "reduction", value=[]), "unhashable"),
    (put("task", "metrics", 0, "id", value=5), "metric 5 does not say"),
    (put("task", "metrics", 0, "higher_is_better", value="yes"), "does not say whether higher is better"),
    (put("task", "tolerance", value=-0.1), "tolerance -0.1 is no number from 0 up"),
    (put("task", "tolerance", value="0.02"), "tolerance '0.02' is no number"),
    (drop("data", "digest"), "'digest' is missing"),
    (put("data", "digest", value=None), "the digest of the data is None"),
    (put("rounds", 0, value=5), "must be a mapping"),
    (drop("rounds", 0, "macs"), "missing 1 required positional argument: 'macs'"),
    (put("rounds", 0, "extra", value=1), "unexpected keyword argument 'extra'"),
    (put("rounds", 0, "round", value="0"), "round '0': a count is not a whole number"),
    (put("rounds", 1, "round", value=0), r"rounds \[0, 0\] are not in rising order"),
    (put("rounds", 0, "parameters", value=1.5), "round 0: a count is not a whole number"),
    (put("rounds", 0, "macs", value=-1), "round 0: a count is not a whole number"),
    (put("rounds", 0, "bytes", value=True), "round 0: a count is not a whole number"),
    (put("rounds", 0, "widths", "conv", value="8"), "round 0: a count is not a whole number"),
    (put("rounds", 0, "memory", value={"arena_fp32": -8}), "round 0: a count is not a whole number"),
    (put("rounds", 0, "memory", value={"arena_fp32": 10**400}), "round 0: a count is not a whole number"),
    (put("rounds", 0, "memory", value=[8]), "has no attribute 'values'"),
    (put("rounds", 0, "reached", value="1"), "round 0: a figure is not a finite number"),
    (put("rounds", 0, "train_seconds", value=None), "round 0: a figure is not a finite number"),
    (put("rounds", 0, "asked", value=10**400), "round 0: a figure is not a finite number"),
    (put("rounds", 0, "latency_ms", value=[1.0]), "round 0: a latency is not lower quartile"),
    (put("rounds", 0, "latency_ratio", value=[]), "round 0: a latency is not lower quartile"),
    (put("rounds", 0, "test", value={}), "round 0: no test score 'toy.accuracy.v1'"),
    (put("rounds", 0, "test", value=[1]), "'list' object has no attribute 'values'"),
    (put("rounds", 0, "validation", METRIC, value=False), "round 0: a figure is not a finite number"),
]


class TestValidation:
    @pytest.mark.parametrize(("change", "said"), BAD, ids=[said for _, said in BAD])
    def test_each_error_says_what_and_where(self, path: Path, change: Change, said: str) -> None:
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value))
        with pytest.raises(RecordError, match=said) as caught:
            records.read(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "not readable as JSON"),
            (b"\xff\xfe", "not readable as JSON"),
            (b"[1, 2]", "not an object"),
            (b"null", "not an object"),
            (b'{"schema": 1, "schema": 1}', "key 'schema' stands twice"),
            (b'{"schema": {"a": 1, "a": 2}}', "key 'a' stands twice"),
            (b'{"schema": NaN}', "NaN is no JSON number"),
            (b'{"schema": -Infinity}', "-Infinity is no JSON number"),
            (b"[" * 200_000, "not readable as JSON"),
            (b'{"schema":' * 90_000, "not readable as JSON"),
            (b"1" * 5000, "not readable as JSON"),
            (b" " * 1_000_001, "larger than 1000000 bytes"),
        ],
    )
    def test_bytes_that_are_no_record(self, path: Path, content: bytes, said: str) -> None:
        path.write_bytes(content)
        with pytest.raises(RecordError, match=said):
            records.read(path)

    def test_number_too_large_for_a_float(self, path: Path) -> None:
        path.write_text(path.read_text().replace('"tolerance": 0.02', '"tolerance": 1e999'))
        with pytest.raises(RecordError, match="tolerance inf is no number"):
            records.read(path)

    def test_absent(self, tmp_path: Path) -> None:
        with pytest.raises(RecordError, match="restore it, or delete it and run again"):
            records.read(tmp_path / "seed0.json")

    @pytest.mark.parametrize("name", ["seed3.json", "seed02.json"])
    def test_content_of_another_path(self, path: Path, tmp_path: Path, name: str) -> None:
        other = path.rename(path.with_name(name))
        assert records.read(other) == RECORD
        with pytest.raises(RecordError, match=r"is the record of toy/made/quick/narrow\+/seed2; move it to"):
            records.read_at(tmp_path, other)


STANDS_FOR = [
    ("magnitude", "sweep", "magnitude", "rewind"),
    ("magnitude-local-finetune", "sweep", "magnitude", "finetune"),
    ("magnitude-units25-rewind50", "sweep", "magnitude", "rewind50"),
    ("magnitude-reinit", "control", "magnitude", "reinit"),
    ("magnitude-masked", "masked", "magnitude", "masked"),
    ("masking", "masked", None, None),
    ("dense+", "control", None, None),
    ("mine-hybrid", "masked", "mine", "hybrid"),
]


class TestMethod:
    @pytest.mark.parametrize(("name", "kind", "criterion", "reset"), STANDS_FOR)
    def test_is_what_its_name_says_whether_or_not_the_criterion_is_here(
        self, tmp_path: Path, name: str, kind: str, criterion: str | None, reset: str | None
    ) -> None:
        said = replace(RECORD, run=replace(RECORD.run, method=name), kind=kind, criterion=criterion, reset=reset)
        assert records.read(records.write(tmp_path, said, ITEMS)) == said

    @pytest.mark.parametrize("name", [name for name, *_ in STANDS_FOR])
    def test_no_method_may_pass_for_another_kind(self, tmp_path: Path, name: str) -> None:
        kinds = {"sweep", "masked", "control"} - {kind for of, kind, *_ in STANDS_FOR if of == name}
        for kind in kinds:
            path = records.write(tmp_path, replace(RECORD, run=replace(RECORD.run, method=name), kind=kind), ITEMS)
            with pytest.raises(RecordError, match=f"kind is '{kind}', and a run of "):
                records.read(path)


class TestMemory:
    def test_records_from_before_it_was_measured_are_read(self, tmp_path: Path) -> None:
        path = records.write(tmp_path, RECORD, ITEMS)
        value = json.loads(path.read_text())
        for entry in value["rounds"]:
            del entry["memory"]
        path.write_text(json.dumps(value))
        assert all(r.memory == {} for r in records.read(path).rounds)

    def test_amending_leaves_the_items_alone(self, tmp_path: Path) -> None:
        path = records.write(tmp_path, RECORD, ITEMS)
        before = path.with_suffix(".npz").read_bytes()
        amended = replace(RECORD, rounds=tuple(replace(r, memory={"arena_fp32": 96}) for r in RECORD.rounds))
        records.amend(path, amended)
        assert records.read(path).rounds == amended.rounds
        assert path.with_suffix(".npz").read_bytes() == before

    def test_what_was_executed_is_no_record(self, tmp_path: Path) -> None:
        path = records.write(tmp_path, RECORD, ITEMS)
        path.with_suffix(".boards.json").write_text("{}")
        assert list(records.find(tmp_path)) == [path]
