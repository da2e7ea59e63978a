"""Variants are compared with random units in the same variant, and only what was finetuned with what was rewound."""

from pathlib import Path

from benchmark import leaderboard
from tests.leaderboard import factory
from tests.leaderboard.factory import Run

METHODS = {
    "random": "rewind",
    "random-local": "rewind",
    "magnitude": "rewind",
    "magnitude-local": "rewind",
    "magnitude-oneshot": "rewind",
    "magnitude-local-finetune": "finetune",
}


def test_pairs(tmp_path: Path):
    for method, reset in METHODS.items():
        factory.write(tmp_path, Run(method, changes={"criterion": method.partition("-")[0], "reset": reset}))
    (section,) = leaderboard.sections(tmp_path)
    against = {row.method: row.against_random and row.against_random.other for row in section.rows}
    assert against == {
        **dict.fromkeys(("random", "random-local", "magnitude-oneshot", "magnitude-local-finetune")),
        "magnitude": "random",
        "magnitude-local": "random-local",
    }
    assert [(c.method, c.other) for c in section.resets] == [("magnitude-local-finetune", "magnitude-local")]
