"""What the harness asks of a task's model: it can be cut, and cutting is exact; it can be counted and begun anew."""

from __future__ import annotations

import copy

import torch
from torch import nn

from benchmark.budgets import BUDGETS
from benchmark.measure import UnknownLayer, macs, macs_by_operator, parameters
from benchmark.selection import floor
from benchmark.setting import reinitialise, rewind_step
from benchmark.submission.findings import Findings
from benchmark.task import Profile, Task
from benchmark.trimming import Coupling, couple, verify

EXACT = 1e-12
LAST: dict[Profile, int] = {"smoke": 1, "quick": len(BUDGETS) - 1, "full": len(BUDGETS) - 1}
"""The round whose budget must be reachable."""
SPREAD = 0.5
"""By how much the spread of a tensor may differ in a net that is begun anew."""


def check_net(task: Task, profile: Profile, found: Findings) -> bool:
    """Look at the model of a profile; whether it is whole enough to be fed."""
    where = f"model, profile {profile}"
    torch.manual_seed(0)
    model, example = task.model(profile), task.example(profile)
    found.require(example.shape[:1] == (1,), where, f"`example` is {tuple(example.shape)}", "give one row: (1, ...)")
    with torch.no_grad():
        model.eval()(example)
    coupling = couple(model, (example,), protect=task.protected)
    _cuts(task, model, example, coupling, where, found)
    least, allowed = floor(coupling), BUDGETS[LAST[profile]] * coupling.parameters()
    if least > allowed:
        found.fail(
            where,
            f"every group at its minimum leaves {least} parameters, and round {LAST[profile]} allows {allowed:.0f}",
            "widen the groups, or find what is not cut (protected and frozen layers)",
        )
    _counts(model, example, where, found)
    _anew(model, where, found)
    recipe = task.training(profile)
    if not 0 < rewind_step(recipe) < recipe.steps:
        found.fail(where, f"rewinds to step {rewind_step(recipe)} of {recipe.steps}", "more steps, or another `rewind`")
    seconds = task.seconds(profile)
    found.require(seconds > 0, where, f"`seconds` is {seconds!r}", "say how much new audio a call answers for")
    return True


def _cuts(task: Task, model: nn.Module, example: torch.Tensor, coupling: Coupling, where: str, found: Findings) -> None:
    frozen = {of.name: of.reason for of in coupling.frozen}
    for name in sorted(set(frozen) - set(task.protected)):
        found.fail(
            where,
            f"the units of {name!r} cannot be cut: {frozen[name]}",
            "write the forward so that they can (docs/trimming.md), or name the layer in `protected`",
        )
    for name in sorted(set(task.protected) - set(frozen)):
        found.fail(where, f"`protected` names {name!r}, which the model has not, or not to cut", "take it out")
    stated = coupling.parameters()
    if stated != parameters(model):
        found.fail(where, f"{parameters(model)} parameters, {stated} of them in layers", "put loose ones into layers")
    try:
        off = verify(model, (example,), coupling)
    except RuntimeError as error:
        found.fail(where, str(error), "docs/trimming.md says what a forward may do")
        return
    if not off <= EXACT:
        found.fail(
            where,
            f"a cut net differs from one whose units are ignored by {off:.1g}",
            "does the forward compute with a width? Read it from a tensor, or protect what feeds it",
        )


def _counts(model: nn.Module, example: torch.Tensor, where: str, found: Findings) -> None:
    try:
        ours = macs(model, example)
    except UnknownLayer as error:
        found.fail(where, str(error), "use a layer that is known, or add its count to benchmark/measure/macs.py")
        return
    theirs = macs_by_operator(model, (example,))
    if ours != theirs:
        found.fail(where, f"{ours} MACs, where torch counts {theirs}", "no products outside layers in the forward")


def _anew(model: nn.Module, where: str, found: Findings) -> None:
    """Controls begin with fresh weights, which only `reset_parameters` of each layer gives."""
    spread = {name: tensor.detach().std() for name, tensor in model.named_parameters() if tensor.dim() > 1}
    try:
        again = reinitialise(copy.deepcopy(model), 1)
    except TypeError as error:
        found.fail(where, str(error), "give the layer a reset_parameters() that draws what its __init__ draws")
        return
    for name, tensor in again.named_parameters():
        if tensor.dim() > 1 and not torch.isclose(tensor.detach().std(), spread[name], rtol=SPREAD, atol=1e-8):
            found.fail(
                where,
                f"{name} has other weights after reset_parameters() than in a fresh model",
                "initialise inside the layer's reset_parameters, nowhere else",
            )
