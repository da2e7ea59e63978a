"""One pass over the calibration rows, for whatever a criterion needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from benchmark.criterion import Evidence
from benchmark.evidence.calibration import Calibration
from benchmark.evidence.reading import Reading, observed, places
from benchmark.evidence.sums import Moments, Sample
from benchmark.evidence.tensors import gains, loss_by_weight
from benchmark.trimming import Coupling

OF_OUTPUTS = frozenset({"activations", "outputs", "taylor"})
OF_GRADIENTS = frozenset({"gradients", "taylor"})


def gather(
    needs: Collection[str],
    coupling: Coupling,
    state: Mapping[str, Tensor],
    model: Callable[[], nn.Module],
    calibration: Calibration,
    seed: int,
) -> dict[str, Evidence]:
    """The evidence of every group, by the group's name.

    The model is run on the calibration rows once, in evaluation mode and without augmentation, if anything is needed
    that a run gives. Nothing is kept of a batch but sums, and for each unit and row at most 9 numbers (`outputs`,
    `taylor`).

    Parameters
    ----------
    needs
        Names out of :data:`benchmark.criterion.EVIDENCE`.
    coupling, state
        Of the model.
    model
        Gives the model with that state. It is only called where it is needed, and what it gives is not changed.
    seed
        For the criterion's noise, and for a model that draws numbers in its forward.

    Raises
    ------
    BenchError
        The output of a group cannot be observed.
    """
    needs = frozenset(needs)
    net = model() if needs & (OF_OUTPUTS | OF_GRADIENTS | {"norms"}) else nn.Module()
    taken = _run(needs, coupling, net, calibration, seed) if needs & (OF_OUTPUTS | OF_GRADIENTS) else _Taken()
    modules = dict(net.named_modules(remove_duplicate=False))
    slopes = loss_by_weight(coupling, state, taken.gradients) if "gradients" in needs else {}
    targets = _targets(calibration) if "targets" in needs else None
    noise = torch.Generator().manual_seed(seed)
    return {
        group.name: Evidence(
            weights=group.weights(state) if "weights" in needs else None,
            gradients=group.weights(slopes) if "gradients" in needs else None,
            norms=gains(group, modules) if "norms" in needs else None,
            activations=taken.moments[group.name].result() if "activations" in needs else None,
            outputs=taken.samples[group.name].result() if "outputs" in needs else None,
            targets=targets,
            taylor=torch.cat(taken.taylor[group.name], 1) if "taylor" in needs else None,
            noise=noise if "noise" in needs else None,
        )
        for group in coupling.groups
    }


@dataclass(frozen=True)
class _Taken:
    """What is kept of the batches, by group or parameter."""

    moments: dict[str, Moments] = field(default_factory=lambda: defaultdict(Moments))
    samples: dict[str, Sample] = field(default_factory=lambda: defaultdict(Sample))
    taylor: dict[str, list[Tensor]] = field(default_factory=lambda: defaultdict(list))
    gradients: dict[str, Tensor] = field(default_factory=dict)


def _run(needs: frozenset[str], coupling: Coupling, model: nn.Module, calibration: Calibration, seed: int) -> _Taken:
    taken = _Taken()
    where = places(model, coupling) if needs & OF_OUTPUTS else []
    was_training = model.training
    model.eval()
    # Some devices' recurrent kernels go backward in training mode only; the plain ones do in both.
    with torch.random.fork_rng(), torch.backends.cudnn.flags(enabled=False):
        torch.manual_seed(seed)
        with observed(model, where, apart="taylor" in needs) as readings:
            for batch in calibration.batches():
                with torch.set_grad_enabled(bool(needs & OF_GRADIENTS)):
                    output = model(batch.inputs)
                _take_outputs(taken, needs, readings, len(batch.inputs))
                if needs & OF_GRADIENTS:
                    loss = calibration.task.loss(output, batch.targets)
                    share = calibration.size / len(calibration.rows)
                    _take_gradients(taken, needs, model, loss, readings, len(batch.inputs), share)
                readings.clear()
    model.train(was_training)
    return taken


def _take_outputs(taken: _Taken, needs: frozenset[str], readings: list[Reading], rows: int) -> None:
    by_group: dict[str, list[Reading]] = {}
    for reading in readings:
        by_group.setdefault(reading.place.group, []).append(reading)
    for name, mine in by_group.items():
        if "activations" in needs:
            for reading in mine:
                taken.moments[name].add(reading.units(reading.input.detach(), rows))
        if "outputs" in needs:
            taken.samples[name].add(mine, rows)


def _take_gradients(
    taken: _Taken,
    needs: frozenset[str],
    model: nn.Module,
    loss: Tensor,
    readings: list[Reading],
    rows: int,
    share: float,
) -> None:
    """`share`: of all calibration rows, those of this batch."""
    weights = {n: p for n, p in model.named_parameters() if p.requires_grad} if "gradients" in needs else {}
    inputs = {id(r.input): r.input for r in readings} if "taylor" in needs else {}
    slopes = torch.autograd.grad(loss, [*weights.values(), *inputs.values()], allow_unused=True, materialize_grads=True)
    for name, slope in zip(weights, slopes, strict=False):
        taken.gradients[name] = share * slope + taken.gradients.get(name, 0)
    by_input = dict(zip(inputs, slopes[len(weights) :], strict=True))
    terms: dict[str, Tensor] = {}
    for reading in readings if inputs else ():
        # The loss is a mean over the rows of the batch; a row's own is as many times larger.
        effect = rows * reading.input.detach() * by_input[id(reading.input)]
        terms[reading.place.group] = reading.units(effect, rows).sum(2) + terms.get(reading.place.group, 0)
    for name, term in terms.items():
        taken.taylor[name].append(term.to("cpu", torch.float32))


def _targets(calibration: Calibration) -> Tensor:
    """The task's summary of every row's target, (rows,)."""
    task = calibration.task
    return torch.cat([task.target_summary(batch.targets).cpu() for batch in calibration.batches()])
