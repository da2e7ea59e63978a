"""A classical method beside the net on the same splits: `python -m tasks.classification.reference --data NAME`.

Every band's mean, standard deviation and mean step over time, and a multinomial logistic regression whose penalty is
chosen on validation. Prints JSON: for each of three seeds the test scores of the dense net (from the cache, or trained
now), of the regression, and what was chosen; and over the seeds both means and the net's lead, each with its interval.
Needs scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmark import classical
from benchmark.classical import Both, compared, said, scores
from benchmark.task import Data, Evaluation, Profile, Split
from benchmark.training import evaluate

from .task import Classification, task

PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Values of scikit-learn's `C`; smaller is stronger."""


def statistics(split: Split) -> np.ndarray:
    """(rows, 192): mean, standard deviation and mean absolute step over time of each of the 64 bands."""
    patches = split.batch(torch.arange(len(split))).inputs[:, 0].numpy()
    return np.concatenate([patches.mean(2), patches.std(2), np.abs(np.diff(patches, axis=2)).mean(2)], 1)


def regression(of: Classification, data: Data) -> tuple[Evaluation, float]:
    """The regression on test, and the penalty that validation chose."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    targets = data.train.batch(torch.arange(len(data.train))).targets.numpy()
    inputs = statistics(data.train)

    def score(model: object, split: Split) -> Evaluation:
        known = model.decision_function(statistics(split))  # type: ignore[attr-defined]
        outputs = torch.full((len(split), len(of.classes)), -torch.inf, dtype=torch.float64)
        outputs[:, np.unique(targets)] = torch.from_numpy(known).double()
        return of.evaluate(outputs, split)

    models = {
        penalty: make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=5000)).fit(inputs, targets)
        for penalty in PENALTIES
    }
    best = max(models, key=lambda penalty: score(models[penalty], data.validation).scores[of.metrics[0].id])
    return score(models[best], data.test), best


def compare(name: str, home: Path | None, profile: Profile, seeds: Sequence[int], nets: bool) -> dict[str, object]:
    """Scores by seed, and over the seeds; without `nets` of the regression only."""
    of = task.on(name)
    metric = of.metrics[0]
    found: list[Both] = []
    table: dict[str, object] = {}
    for seed in seeds:
        data = of.data(name, home, profile, seed)
        fitted, penalty = regression(of, data)
        row: dict[str, object] = {"regression": classical.rounded(fitted)}
        net = fitted
        if nets:
            model = classical.dense(Path(__file__).parent.name, of, data, profile, seed)
            net = evaluate(of, model, data.test)
            row["dense"] = classical.rounded(net)
        found.append(Both(net, fitted, data.test.sources))
        table[str(seed)] = row | {"C": penalty, "test sources": len(np.unique(data.test.sources))}
    if nets:
        mean = compared(metric, "regression", found)
    else:
        mean = {"regression": said(scores(metric, [both.classical for both in found], [b.sources for b in found]))}
    return {"metric": metric.id, "seeds": table, "mean": mean}


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    parser = classical.parser("tasks.classification.reference", __doc__, task)
    parser.add_argument("--without-net", action="store_true", help="the regression only")
    options = parser.parse_args(arguments)
    return classical.printed(
        lambda: compare(options.data, options.data_home, options.profile, options.seeds, not options.without_net)
    )


if __name__ == "__main__":
    raise SystemExit(main())
