"""A classical method beside the net on the same splits: `python -m tasks.classification.reference --data NAME`.

Every band's mean, standard deviation and mean step over time, and a multinomial logistic regression whose penalty is
chosen on validation. Prints JSON: for each of three seeds the test scores of the dense net (from the cache, or trained
now), of the regression, and what was chosen; and over the seeds both means and their difference with 95 % intervals of
the leaderboard's bootstrap over seeds and sources. Needs scikit-learn.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from benchmark import plugins
from benchmark.errors import BenchError
from benchmark.leaderboard.statistics import Scores, bootstrap, by_source, interval
from benchmark.metrics import reduction
from benchmark.task import Data, Evaluation, Profile, Split

from .task import Classification, task

PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Values of scikit-learn's `C`; smaller is stronger."""
SEEDS = (0, 1, 2)


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


def dense(of: Classification, data: Data, profile: Profile, seed: int, on: Split | None = None) -> Evaluation:
    """The dense net, trained as for every run or from the cache, on test or on another split."""
    from benchmark.dense import trained_dense
    from benchmark.training import evaluate

    plugin = plugins.tasks()[Path(__file__).parent.name]
    fit, _ = trained_dense(plugin, of, data, profile, seed, lambda step, score: None)
    model = of.model(profile)
    model.load_state_dict(fit.state)
    return evaluate(of, model, data.test if on is None else on)


def compare(name: str, home: Path | None, profile: Profile, nets: bool) -> dict[str, object]:
    """Scores by seed, and over the seeds; without `nets` of the regression only."""
    of = task.on(name)
    found: dict[str, list[Evaluation]] = {"regression": [], "dense": []} if nets else {"regression": []}
    sources = []
    table: dict[str, object] = {}
    for seed in SEEDS:
        data = of.data(name, home, profile, seed)
        classical, penalty = regression(of, data)
        found["regression"].append(classical)
        if nets:
            found["dense"].append(dense(of, data, profile, seed))
        sources.append(data.test.sources)
        row = {method: {id_: round(s, 4) for id_, s in of_seed[-1].scores.items()} for method, of_seed in found.items()}
        table[str(seed)] = row | {"C": penalty, "test sources": len(np.unique(data.test.sources))}
    metric = of.metrics[0]
    by = reduction(metric.reduction)
    scores = {
        method: bootstrap(by, [by_source(by, e.items[metric.id], s) for e, s in zip(of_seeds, sources, strict=True)])
        for method, of_seeds in found.items()
    }
    # Of the mean over seeds, as if each seed's net were the only one: the luck of training is left out.
    alone = {
        method: [
            bootstrap(by, [by_source(by, e.items[metric.id], s)]).draws.std()
            for e, s in zip(of_seeds, sources, strict=True)
        ]
        for method, of_seeds in found.items()
    }
    errors = {name: round(float(np.linalg.norm(each)) / len(SEEDS), 4) for name, each in alone.items()}
    if nets:
        scores["dense - regression"] = scores["dense"] - scores["regression"]
    mean = {name: _summary(s) for name, s in scores.items()}
    return {"metric": metric.id, "seeds": table, "mean": mean, "standard error of sources alone": errors}


def _summary(scores: Scores) -> dict[str, float]:
    shown = interval(scores)
    return {
        "value": round(shown.value, 4),
        "low": round(shown.low, 4),
        "high": round(shown.high, 4),
        "standard error": round(float(scores.draws.std()), 4),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tasks.classification.reference", description=__doc__)
    parser.add_argument("--data", default=task.datasets[0].name, metavar="NAME")
    parser.add_argument("--data-home", type=Path, metavar="DIR")
    parser.add_argument("--profile", choices=("smoke", "quick", "full"), default="quick")
    parser.add_argument("--without-net", action="store_true", help="the regression only")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        result = compare(options.data, options.data_home, options.profile, not options.without_net)
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
