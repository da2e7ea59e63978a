"""Cutting units out of a trained network for real, and knowing exactly what was cut.

    coupling = couple(model, (example,), protect=["head"])  # one run; the model is left as it was
    print(coupling.explain())                               # who goes with whom; what is frozen, and why
    verify(model, (example,), coupling)                     # < 1e-12, or do not trust it
    group = coupling.groups[0]                              # its units, over all tensors they stand in
    score = sum(w.abs().sum(1) for w in group.weights(model.state_dict()))
    keep = {group.name: score.topk(len(group) // 2).indices.sort().values.tolist()}
    plan = coupling.plan(keep)                              # names and positions; plan.to_json() is all of it
    load(model, plan.apply(model.state_dict()), coupling.stored)  # plan.apply(earlier_state) rewinds
    coupling = coupling.trimmed(keep)                       # the next round; first.compose(plan) is both

It needs torch alone and knows nothing of what a model is for.
"""

from benchmark.trimming.couple import couple
from benchmark.trimming.coupling import Axis, Coupling, Frozen, Group, Stored
from benchmark.trimming.load import load
from benchmark.trimming.plan import Cut, Gain, Plan
from benchmark.trimming.saving import restore, save
from benchmark.trimming.teaching import teach
from benchmark.trimming.verify import verify

__all__ = [
    "Axis",
    "Coupling",
    "Cut",
    "Frozen",
    "Gain",
    "Group",
    "Plan",
    "Stored",
    "couple",
    "load",
    "restore",
    "save",
    "teach",
    "verify",
]
