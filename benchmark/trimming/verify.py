"""Proof on a given model that cutting units is the same as zeroing what reads them."""

from __future__ import annotations

import copy
import random
from collections.abc import Collection, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from benchmark.trimming.couple import couple
from benchmark.trimming.coupling import Coupling
from benchmark.trimming.load import load
from benchmark.trimming.trace import modules_named, tensors_in


def verify(
    model: nn.Module,
    inputs: tuple[Tensor, ...],
    coupling: Coupling | None = None,
    fraction: float = 0.5,
    seed: int = 0,
) -> float:
    """Cut randomly chosen units of every group at once and compare with a model whose readers ignore them.

    One copy of the model keeps its shape and has zeros in all weights that read the chosen units; another is cut. Both
    run in float64 and evaluation mode on the same inputs and random state. A sound coupling gives less than 1e-12.
    A model whose code computes with a width, such as a division by its square root, shows here as a difference.
    Layer norms over units are the exception (what is left has another mean and variance after a cut): in both
    copies they only scale and shift.

    Parameters
    ----------
    model
        It is not changed, but must allow `copy.deepcopy`.
    inputs
        What the model is called with.
    coupling
        Of this model; by default `couple(model, inputs)`.
    fraction
        Of each group's units that are cut; one unit always stays.
    seed
        Chooses the units.

    Returns
    -------
    float
        The largest absolute difference of any output element.

    Raises
    ------
    RuntimeError
        The model does not run in float64; the cut model does not run, with the module where it stopped; its outputs
        have other shapes, or are not finite.
    """
    coupling = couple(model, inputs) if coupling is None else coupling
    choose = random.Random(seed)
    keep = {}
    for group in coupling.groups:
        drop = min(round(fraction * len(group)), len(group) - 1)
        keep[group.name] = sorted(choose.sample(range(len(group)), len(group) - drop))
    whole = copy.deepcopy(model).double().eval()
    cut = load(copy.deepcopy(whole), coupling.plan(keep).apply(whole.state_dict()))
    _ignore(whole, coupling, keep)
    given = tuple(x.double() if isinstance(x, Tensor) and x.is_floating_point() else x for x in inputs)
    try:
        reference = _run(whole, given, coupling.norms, seed)
    except Exception as error:
        raise RuntimeError(f"the model does not run in float64: {error}") from error
    stack: list[str] = []
    try:
        with modules_named(cut, stack):
            outputs = _run(cut, given, coupling.norms, seed)
    except Exception as error:
        name = stack[-1] if stack else ""
        module = f"{name or 'the model'} ({type(cut.get_submodule(name)).__name__})"
        raise RuntimeError(
            f"the cut model stops in {module}: {error}. Does its forward, or that of a module around it, have a width "
            "written down as a number? Read it from a tensor, or protect what feeds it"
        ) from error
    return _difference(reference, outputs)


def _difference(reference: Sequence[Tensor], outputs: Sequence[Tensor]) -> float:
    worst = 0.0
    for index, (a, b) in enumerate(zip(reference, outputs, strict=True)):
        if a.shape != b.shape:
            raise RuntimeError(f"output {index} has shape {tuple(a.shape)} before the cut and {tuple(b.shape)} after")
        if a.numel() == 0:
            continue
        difference = float((a.to(torch.complex128) - b.to(torch.complex128)).abs().max())
        if difference != difference or difference == float("inf"):
            raise RuntimeError(f"output {index} is not finite; verify on inputs where the model works")
        worst = max(worst, difference)
    return worst


def _ignore(model: nn.Module, coupling: Coupling, keep: dict[str, list[int]]) -> None:
    """Zero every weight that reads a unit which is not kept."""
    state = model.state_dict()
    for group in coupling.groups:
        dropped = sorted(set(range(len(group))).difference(keep[group.name]))
        for axis in group.axes:
            if axis.role == "read":
                positions = [position for unit in dropped for position in axis.positions[unit]]
                state[axis.tensor].index_fill_(axis.dim, torch.tensor(positions, dtype=torch.int64), 0)


def _run(model: nn.Module, inputs: tuple[Any, ...], norms: Collection[str], seed: int) -> list[Tensor]:
    with torch.random.fork_rng(), torch.no_grad(), _AffineOnly(model, norms):
        torch.manual_seed(seed)
        return tensors_in(model(*copy.deepcopy(inputs)))


class _AffineOnly(TorchFunctionMode):
    """Layer norms with these weights scale and shift, and nothing else."""

    def __init__(self, model: nn.Module, norms: Collection[str]) -> None:
        super().__init__()
        self.weights = {id(parameter) for name, parameter in model.named_parameters() if name in norms}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.layer_norm:
            return self._layer_norm(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _layer_norm(
        self, input: Tensor, shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None, *rest: Any,
        **named: Any,
    ) -> Tensor:  # fmt: skip
        if weight is None or id(weight) not in self.weights:
            return F.layer_norm(input, list(shape), weight, bias, *rest, **named)
        scaled = input * weight
        return scaled if bias is None else scaled + bias
