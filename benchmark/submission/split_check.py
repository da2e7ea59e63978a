"""What the harness asks of a task's data and its score, on the smoke profile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.errors import DataError
from benchmark.items import unfit
from benchmark.metrics import reduction
from benchmark.plugins import Plugin
from benchmark.submission.data_digest import content, made_again
from benchmark.submission.findings import Findings
from benchmark.task import Batch, Data, Evaluation, Split, Task
from benchmark.training import predict

SMALL_STEPS = 30
SOME_ROWS = 64


def check_data(plugin: Plugin, task: Task, name: str, home: Path | None, found: Findings) -> None:
    """Look at the smoke data of seed 0, and at what the task makes of a net's outputs on them."""
    where = f"data {name!r}, smoke, seed 0"
    data = task.data(name, home, "smoke", 0)
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    for side, split in splits.items():
        with found.guarding(f"{side} of {where}"):
            _split(task, split, f"{side} of {where}", found)
    _apart(splits, where, found)
    _manifest(data, where, found)
    with found.guarding(f"scores on {where}"):
        _scores(task, data.test, f"scores on {where}", found)
    with found.guarding(f"training on {where}"):
        _training(task, data, f"training on {where}", found)
    try:
        stated, counted = made_again(plugin, name, home)
    except DataError as error:
        found.fail(where, f"cannot be made in a new process: {error}", "data must not depend on what ran before")
        return
    if (stated, counted) != (data.digest, content(data)):
        what = "content" if counted != content(data) else "digest"
        found.fail(where, f"made again they have another {what}", "seed what is drawn, sort what is listed or hashed")


def _split(task: Task, split: Split, where: str, found: Findings) -> None:
    rows = torch.arange(min(SOME_ROWS, len(split)))
    batch = split.batch(rows)
    found.require(
        len(batch.inputs) == len(batch.targets) == len(rows), where, "a batch has other rows than asked for", "one each"
    )
    turned = split.batch(rows.flip(0))
    found.require(
        torch.equal(turned.inputs.flip(0), batch.inputs) and torch.equal(turned.targets.flip(0), batch.targets),
        where,
        "rows depend on the order or the time at which they are asked for",
        "`batch` gives row i as it is; what varies belongs into `augment`",
    )
    finite = not batch.inputs.is_floating_point() or bool(torch.isfinite(batch.inputs).all())
    found.require(finite, where, "inputs that are not finite", "find the silence or the logarithm of zero")
    sources = split.sources
    found.require(
        isinstance(sources, np.ndarray) and sources.ndim == 1 and sources.dtype.kind in "iu",
        where,
        "`sources` is not one whole number an item",
        "an array of integers, (items,)",
    )
    usable = task.rows(split)
    if usable is not None:
        inside = len(usable) > 0 and min(usable) >= 0 and max(usable) < len(split)
        found.require(inside, where, "`rows` names rows that the split has not", "0 to len(split) - 1")
    summary = task.target_summary(batch.targets)
    found.require(
        tuple(summary.shape) == (len(rows),),
        where,
        f"`target_summary` gives {tuple(summary.shape)}",
        "one number a row: (rows,)",
    )


def _apart(splits: Mapping[str, Split], where: str, found: Findings) -> None:
    sources = {side: set(np.unique(split.sources).tolist()) for side, split in splits.items()}
    rows = {side: _hashes(split) for side, split in splits.items()}
    for one, other in combinations(splits, 2):
        if shared := sources[one] & sources[other]:
            found.fail(
                where,
                f"source {min(shared)} is in {one} and in {other} ({len(shared)} such)",
                "split by source; number the sources through the whole data set",
            )
        if same := rows[one] & rows[other]:
            found.fail(
                where, f"{len(same)} rows of {other} are in {one} too", "drop what is there twice before splitting"
            )
    test = len(sources["test"])
    found.require(test >= 2, where, f"{test} sources in test", "the bootstrap draws sources: two or more")


def _hashes(split: Split) -> set[int]:
    found: set[int] = set()
    for rows in torch.arange(len(split)).split(512):
        # A row without any sound is no leak.
        inputs = split.batch(rows).inputs.flatten(1)
        found |= {hash(row.numpy().tobytes()) for row in inputs if bool((row != row[0]).any())}
    return found


def _manifest(data: Data, where: str, found: Findings) -> None:
    try:
        json.dumps(dict(data.manifest), allow_nan=False)
    except (TypeError, ValueError) as error:
        found.fail(where, f"the manifest is no JSON: {error}", "plain numbers, texts, lists and dictionaries")
    found.require(
        isinstance(data.digest, str) and len(data.digest) == 64,
        where,
        "`digest` is no sha256",
        "benchmark.digest.digest_arrays",
    )


def _scores(task: Task, test: Split, where: str, found: Findings) -> None:
    torch.manual_seed(0)
    model = task.model("smoke")
    outputs = predict(model, test)
    if not found.require(
        len(outputs) == len(test), where, f"{len(outputs)} outputs of {len(test)} rows", "one each, rows first"
    ):
        return
    few = test.batch(torch.arange(min(4, len(test)))).inputs
    with torch.no_grad():
        alone = torch.cat([model.eval()(row) for row in few.split(1)])
    if not torch.allclose(alone, outputs[: len(few)], rtol=1e-3, atol=1e-4):
        found.fail(
            where, "what the model says of a row depends on the rows beside it", "no norm over the batch in eval"
        )
    luck = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(1)).to(outputs.dtype)
    for said, kind in ((outputs, "an untrained net"), (luck, "random outputs"), (torch.zeros_like(outputs), "zeros")):
        with torch.no_grad(), found.guarding(f"{where}, {kind}"):
            _evaluation(task, task.test(model, said, test), test, f"{where}, {kind}", found)


def _evaluation(task: Task, got: Evaluation, test: Split, where: str, found: Findings) -> None:
    for metric in task.metrics:
        score = got.scores.get(metric.id)
        if score is None or not np.isfinite(score):
            found.fail(where, f"{metric.id} is {score}", "a finite number whatever the outputs are")
        arrays = got.items.get(metric.id, {})
        missing = [array for array in reduction(metric.reduction).arrays if array not in arrays]
        if missing:
            found.fail(where, f"the items of {metric.id} lack {', '.join(missing)}", f"`{metric.reduction}` takes them")
            continue
        before = len(found.failures)
        for array, values in arrays.items():
            _items(f"{metric.id}/{array}", np.asarray(values), len(test.sources), where, found)
        if score is None or not np.isfinite(score) or len(found.failures) > before:
            continue
        counted = reduction(metric.reduction)(arrays)
        if not abs(counted - score) <= 1e-6:
            found.fail(where, f"{metric.id} is {score:.6g}, its items give {counted:.6g}", "use self.scored(items)")


def _items(name: str, values: np.ndarray, count: int, where: str, found: Findings) -> None:
    if values.shape != (count,):
        found.fail(where, f"{name} is {values.shape}, and there are {count} items in `sources`", "one entry an item")
    elif why := unfit(name.rpartition("/")[2], values):
        found.fail(where, f"{name} has {why}", "finite numbers; classes are integers from 0")


def _training(task: Task, data: Data, where: str, found: Findings) -> None:
    recipe = task.training("smoke")
    usable = task.rows(data.train)
    pool = torch.arange(len(data.train)) if usable is None else torch.as_tensor(usable, dtype=torch.int64)
    if len(pool) < recipe.batch:
        found.fail(
            where, f"{len(pool)} rows are fewer than one batch of {recipe.batch}", "more rows or a smaller batch"
        )
        return
    batch = data.train.batch(
        pool[torch.randperm(len(pool), generator=torch.Generator().manual_seed(0))[: recipe.batch]]
    )
    _augmented(task, batch, where, found)
    torch.manual_seed(0)
    model = task.model("smoke").train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate)
    first = last = _step(task, model, optimizer, batch, where, found)
    if first is None:
        return
    for _ in range(SMALL_STEPS):
        last = _step(task, model, optimizer, batch, where, found)
    if last is None or not last < first:
        found.fail(
            where, f"the loss does not fall on one batch: {first} to {last} in {SMALL_STEPS} steps", "look at `loss`"
        )


def _step(
    task: Task, model: nn.Module, optimizer: torch.optim.Optimizer, batch: Batch, where: str, found: Findings
) -> float | None:
    loss: Tensor = task.loss(model(batch.inputs), batch.targets)
    if loss.dim() != 0 or not torch.isfinite(loss):
        found.fail(
            where, f"the loss is {tuple(loss.shape)} {loss.detach().flatten()[:1].tolist()}", "one finite number"
        )
        return None
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    idle = [name for name, parameter in model.named_parameters() if parameter.requires_grad and parameter.grad is None]
    if idle:
        found.fail(
            where, f"{idle[0]} has no part in the loss ({len(idle)} such)", "use it, or take it out of the model"
        )
    optimizer.step()
    return float(loss.detach())


def _augmented(task: Task, batch: Batch, where: str, found: Findings) -> None:
    before = batch.inputs.clone()
    new, same = (task.augment(batch, torch.Generator().manual_seed(5)) for _ in range(2))
    found.require(torch.equal(batch.inputs, before), where, "`augment` changes its batch in place", "work on a copy")
    found.require(
        torch.equal(new.inputs, same.inputs),
        where,
        "`augment` gives other rows for the same generator",
        "draw everything with the generator that it is given",
    )
    found.require(len(new.inputs) == len(before), where, "`augment` changes the number of rows", "keep it")
