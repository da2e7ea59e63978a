"""What a run writes to be heard, of a task that makes sound."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark import records
from benchmark.errors import RecordError
from tests.conftest import SMOKE, House

SINGING = """

from benchmark.task import Examples


class Singing(Toy):
    def test(self, model, outputs, split):
        assert not model.training and not torch.is_grad_enabled()
        found = self.evaluate(outputs, split)
        level = LEVEL
        made = {f"{i:04d}": level * torch.tanh(outputs[i, :1]).expand(800) for i in range(2)}
        wanted = {f"{i:04d}": torch.full((800,), 0.25) for i in range(2)}
        return Evaluation(found.scores, found.items, Examples(8000, made, wanted))


task = Singing()
"""
ONE = (*SMOKE, "--criterion", "magnitude", "--no-controls", "--jobs", "1")


def sing(house: House, level: str) -> Path:
    file = house.root / "tasks" / "toy" / "__init__.py"
    file.write_text(file.read_text() + SINGING.replace("LEVEL", level))
    done = house.run(*ONE)
    assert done.returncode == 0, done.stderr
    return house.results / "toy" / "made" / "smoke" / "magnitude" / "seed0.json"


def test_every_round_leaves_its_sounds_beside_the_record(house):
    path = sing(house, "0.5")
    record = records.read(path)
    for entry in record.rounds:
        assert [Path(e["path"]).name for e in entry.examples] == ["0000.flac", "0001.flac"]
        for example in entry.examples:
            file = path.parent / example["path"]
            assert hashlib.sha256(file.read_bytes()).hexdigest() == example["sha256"]
            sound, rate = soundfile.read(file)
            assert rate == 8000 and len(sound) == 800
            assert np.abs(sound).max() == pytest.approx(10 ** (example["peak"] / 20), rel=2e-3, abs=2**-14)
    wanted, _ = soundfile.read(path.with_suffix("") / "wanted" / "0000.flac")
    np.testing.assert_allclose(wanted, 0.25, atol=2**-15)


def test_a_net_out_of_control_costs_a_warning_and_no_round(house):
    record = records.read(sing(house, "1e9"))
    assert record.status == "complete" and len(record.rounds) > 1
    assert any("round 0 is not to be heard: example '0000' is clipped" in line for line in record.warnings)
    assert not record.rounds[0].examples


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "../../../../.bashrc"},
        {"path": "seed0/round-00/../../x.flac"},
        {"path": "/etc/passwd"},
        {"path": "seed0/round-00/<b>.flac"},
        {"sha256": "0"},
        {"peak": "=1+1"},
        {"clipped": -1},
        {"more": 1},
    ],
)
def test_an_example_in_a_record_is_hostile_input(magnitude, wrong):
    path = magnitude.results / "toy" / "made" / "smoke" / "magnitude" / "seed0.json"
    value = json.loads(path.read_text())
    good = {"path": "seed0/round-00/0000.flac", "sha256": "0" * 64, "peak": -3.0, "rms": -9.0, "clipped": 0}
    value["rounds"][0]["examples"] = [good]
    path.write_text(json.dumps(value))
    assert records.read(path).rounds[0].examples == [good]
    value["rounds"][0]["examples"] = [good | wrong]
    path.write_text(json.dumps(value))
    with pytest.raises(RecordError, match="round 0: an example is not a path below the record"):
        records.read(path)
