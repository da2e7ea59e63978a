"""Everything that the harness will ask of a criterion, asked on tiny nets of every kind."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, cast

import torch
from torch import Tensor, nn

from benchmark.criterion import EVIDENCE, Activations, Criterion, Evidence
from benchmark.errors import BenchError, CriterionError
from benchmark.evidence import Calibration, gather
from benchmark.plugins import Plugin
from benchmark.selection import minimum_widths, require_ranking, score_units
from benchmark.submission.findings import Findings
from benchmark.submission.nets import Case, Loss, Rows, cases
from benchmark.submission.skeletons import misnamed
from benchmark.submission.stated_card import check_card, check_docstring
from benchmark.task import Card, Task
from benchmark.trimming import Coupling, Group, couple, load

BATCH = 16
SEED = 3
WIDE, MANY_ROWS = 256, 512
SECONDS = 10.0
"""CPU time to score WIDE units by MANY_ROWS rows: a round of a large task must not wait longer."""
CLOSE = 1e-5
"""Of the spread of a group's scores: what another order of the same sums may change."""

WRONG_SHAPE = "return one finite score a unit, a tensor of shape (len(group),)"


@dataclass(frozen=True)
class Sight:
    """A net and what a criterion is shown of it."""

    where: str
    coupling: Coupling
    evidence: Mapping[str, Evidence]

    def copy(self) -> dict[str, Evidence]:
        """The evidence, its tensors cloned and its noise at the beginning."""
        noise = torch.Generator().manual_seed(SEED)
        return {name: _mapped(of, torch.clone, noise) for name, of in self.evidence.items()}


def check_criterion(plugin: Plugin) -> Findings:
    """All that is wrong with a criterion."""
    found = Findings()
    if why := misnamed(plugin.name):
        found.fail(str(plugin.path), f"{plugin.name!r} cannot be the name of a criterion: {why}", "rename the file")
    check_docstring(plugin, found)
    criterion = _loaded(plugin, found)
    if criterion is None:
        return found
    check_card(criterion.card, str(plugin.path), found)
    seen = 0
    for sight in _sights(criterion, found):
        with found.guarding(sight.where):
            _on_net(criterion, sight, found)
        seen += 1
    if seen:
        _at_the_end(criterion, found)
        _speed(criterion, found)
    return found


def _loaded(plugin: Plugin, found: Findings) -> Criterion | None:
    where = str(plugin.path)
    try:
        module = plugin.load()
    except BenchError as error:
        found.fail(where, str(error).removeprefix(f"{where} "), "mend the file until Python imports it")
        return None
    card, needs, score = (getattr(module, part, None) for part in ("card", "needs", "score"))
    whole = [
        found.require(
            isinstance(card, Card), where, "has no `card`", "card = Card(title=..., source=..., licence=...)"
        ),
        found.require(
            isinstance(needs, tuple),
            where,
            f"`needs` is {needs!r}, no tuple",
            'write needs = ("weights",), with the comma',
        ),
        found.require(callable(score), where, "has no function `score`", "def score(group, evidence): ..."),
    ]
    unknown = [need for need in needs if need not in EVIDENCE] if isinstance(needs, tuple) else []
    for need in unknown:
        found.fail(where, f"needs {need!r}, which no one gathers", f"known: {', '.join(EVIDENCE)}")
    if isinstance(needs, tuple) and not unknown and len(set(needs)) < len(needs):
        found.fail(where, "names one need twice", "name each once")
    if not all(whole) or unknown:
        return None
    try:
        inspect.signature(cast(Any, score)).bind(None, None)
    except TypeError as error:
        found.fail(where, f"`score` cannot be called with two arguments: {error}", "def score(group, evidence): ...")
        return None
    return Criterion(plugin.name, cast(Any, card), cast(Any, needs), cast(Any, score))


def _sights(criterion: Criterion, found: Findings) -> Iterator[Sight]:
    for case in cases():
        try:
            yield _sight(criterion, case)
        except BenchError as error:
            found.remark(f"not tried on {case.name}: {error}")


def _sight(criterion: Criterion, case: Case) -> Sight:
    net, coupling = _net(case), _coupled(case)
    evidence = _seen(criterion, net, coupling, case.inputs(), case.targets)
    return Sight(f"on the net with {case.name}", coupling, evidence)


def _net(case: Case) -> nn.Module:
    torch.manual_seed(1)
    return case.build()


@lru_cache
def _coupled(case: Case) -> Coupling:
    return couple(_net(case), (case.inputs()[:2],), ())


def _seen(
    criterion: Criterion, net: nn.Module, coupling: Coupling, inputs: Tensor, targets: Tensor
) -> Mapping[str, Evidence]:
    rows = Calibration(cast(Task, Loss()), Rows(inputs, targets), torch.arange(len(inputs)), BATCH)
    return gather(criterion.needs, coupling, net.state_dict(), lambda: net, rows, SEED)


def _on_net(criterion: Criterion, sight: Sight, found: Findings) -> None:
    before = sight.copy()
    given = sight.copy()
    torch.manual_seed(1)
    try:
        scores = score_units(sight.coupling, given, criterion)
    except CriterionError as error:
        found.fail(sight.where, _without_name(error), WRONG_SHAPE)
        return
    _in_place(before, given, sight, found)
    torch.manual_seed(2)
    again = score_units(sight.coupling, sight.copy(), criterion)
    same = all(torch.equal(scores[name], again[name]) for name in scores)
    found.require(
        same,
        sight.where,
        "scores differ when the same evidence is scored again",
        'declare "noise" in `needs` and draw with generator=evidence.noise',
    )
    try:
        require_ranking(scores, criterion)
    except CriterionError as error:
        found.fail(
            sight.where, _without_name(error), "a score must tell units apart; draw from `noise` where it cannot"
        )
    if same:
        for group in sight.coupling.groups:
            _permuted(criterion, sight, group, found)


def _in_place(before: Mapping[str, Evidence], after: Mapping[str, Evidence], sight: Sight, found: Findings) -> None:
    for name, old in before.items():
        for part, was, now in zip(EVIDENCE, _tensors(old), _tensors(after[name]), strict=True):
            if any(not torch.equal(a, b) for a, b in zip(was, now, strict=True)):
                found.fail(sight.where, f"changes evidence.{part} in place", "work on a copy: w = w.clone()")


def _permuted(criterion: Criterion, sight: Sight, group: Group, found: Findings) -> None:
    order = torch.randperm(len(group), generator=torch.Generator().manual_seed(SEED))
    straight, turned = sight.copy()[group.name], sight.copy()[group.name]
    fresh = torch.Generator().manual_seed(SEED).get_state()
    scores = criterion(group, straight)
    if straight.noise is not None and not torch.equal(straight.noise.get_state(), fresh):
        return  # what is drawn belongs to a place, not to a unit
    turned = _mapped(turned, lambda t: t[order], turned.noise)
    if sight.evidence[group.name].targets is not None:
        turned = replace(turned, targets=sight.evidence[group.name].targets)
    where = f"{sight.where}, group {group.name!r}"
    try:
        moved = criterion(group, turned)
    except CriterionError as error:
        found.fail(where, f"with its units in another order: {_without_name(error)}", WRONG_SHAPE)
        return
    spread = float((scores.max() - scores.min()).clamp_min(scores.abs().max() * 1e-3))
    if float((moved - scores[order]).abs().max()) > CLOSE * spread:
        found.fail(
            sight.where,
            "a unit's score depends on its number: with the units in another order they are other scores",
            "score units by what they hold, not by where they stand",
        )


def _at_the_end(criterion: Criterion, found: Findings) -> None:
    """What late rounds bring: groups of two units, and nets that are dead."""
    for case in cases():
        net, coupling = _net(case), _coupled(case)
        least = {name: list(range(width)) for name, width in minimum_widths(coupling).items()}
        small = load(case.build(), coupling.plan(least).apply(net.state_dict()), coupling.stored)
        few = coupling.trimmed(least)
        _survives(criterion, small, few, case, f"on the net with {case.name}, two units a group", found)
        if case.name in ("linear", "convolution"):
            for name, tensor in net.named_parameters():
                if tensor.dim() > 1 or name.endswith("bias"):
                    nn.init.zeros_(tensor)
            _survives(criterion, net, coupling, case, f"on the net with {case.name}, all weights zero", found)


def _survives(
    criterion: Criterion, net: nn.Module, coupling: Coupling, case: Case, where: str, found: Findings
) -> None:
    try:
        evidence = _seen(criterion, net, coupling, case.inputs(), case.targets)
    except BenchError:
        return  # `_sights` has said so
    try:
        score_units(coupling, evidence, criterion)
    except CriterionError as error:
        found.fail(where, _without_name(error), "late rounds have such nets: divide by no sum that can be zero")


def _speed(criterion: Criterion, found: Findings) -> None:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv1d(8, WIDE, 8), nn.BatchNorm1d(WIDE), nn.ReLU(), nn.Conv1d(WIDE, 3, 1))
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(MANY_ROWS, 8, 24, generator=generator)
    coupling = couple(net, (inputs[:2],), ())
    evidence = _seen(criterion, net, coupling, inputs, torch.arange(MANY_ROWS) % 3)
    with found.guarding(f"on {WIDE} units"):
        begun = time.process_time()
        score_units(coupling, evidence, criterion)
        taken = time.process_time() - begun
        if taken > SECONDS:
            found.fail(
                f"on {WIDE} units", f"takes {taken:.1f} s of CPU, of {SECONDS:.0f}", "work on whole tensors, no loops"
            )


def _tensors(evidence: Evidence) -> list[list[Tensor]]:
    """The tensors of each field, in the order of EVIDENCE; the noise has none."""
    found: list[list[Tensor]] = []
    for name in EVIDENCE:
        value = getattr(evidence, name)
        if isinstance(value, Activations):
            value = [getattr(value, part.name) for part in fields(value)]
        found.append([value] if isinstance(value, Tensor) else value if isinstance(value, list) else [])
    return found


def _mapped(evidence: Evidence, change: Any, noise: torch.Generator | None) -> Evidence:
    """The evidence with every tensor changed."""

    def changed(value: Any) -> Any:
        if isinstance(value, Activations):
            return Activations(*(change(getattr(value, part.name)) for part in fields(value)))
        if isinstance(value, list):
            return [change(tensor) for tensor in value]
        return change(value) if isinstance(value, Tensor) else value

    new = {name: changed(getattr(evidence, name)) for name in EVIDENCE if name != "noise"}
    return Evidence(**new, noise=None if evidence.noise is None else noise)


def _without_name(error: CriterionError) -> str:
    return str(error).partition("' ")[2] or str(error)
