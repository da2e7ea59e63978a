"""What a classical method reaches on the same splits: `python -m tasks.classification.reference --data-home DIR`.

Every band's mean, standard deviation and mean step over time, and a multinomial logistic regression whose penalty is
chosen on validation. Prints JSON: the scores of seeds 0, 1, 2 and what was chosen. Needs scikit-learn.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from benchmark.errors import BenchError
from benchmark.task import Data, Profile, Split

from . import task

PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Values of scikit-learn's `C`; smaller is stronger."""


def statistics(split: Split) -> np.ndarray:
    """(rows, 192): mean, standard deviation and mean absolute step over time of each of the 64 bands."""
    patches = split.batch(torch.arange(len(split))).inputs[:, 0].numpy()
    return np.concatenate([patches.mean(2), patches.std(2), np.abs(np.diff(patches, axis=2)).mean(2)], 1)


def regression(data: Data) -> dict[str, float]:
    """Test scores by metric id, and the penalty that validation chose."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    targets = data.train.batch(torch.arange(len(data.train))).targets.numpy()
    inputs = statistics(data.train)

    def score(model: object, split: Split) -> dict[str, float]:
        outputs = torch.from_numpy(model.decision_function(statistics(split)))  # type: ignore[attr-defined]
        return dict(task.evaluate(outputs, split).scores)

    models = {
        penalty: make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=5000)).fit(inputs, targets)
        for penalty in PENALTIES
    }
    best = max(models, key=lambda penalty: score(models[penalty], data.validation)[task.metrics[0].id])
    return score(models[best], data.test) | {"C": best}


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tasks.classification.reference", description=__doc__)
    parser.add_argument("--data-home", type=Path, required=True, metavar="DIR")
    parser.add_argument("--profile", choices=("smoke", "quick", "full"), default="quick")
    options = parser.parse_args(arguments)
    profile: Profile = options.profile
    try:
        scores = {seed: regression(task.data("philharmonia", options.data_home, profile, seed)) for seed in range(3)}
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(scores, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
