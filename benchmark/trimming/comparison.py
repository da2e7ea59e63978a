"""A model whose readers ignore some units beside one that is without them, in float64."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from benchmark.trimming.coupling import Coupling
from benchmark.trimming.load import load
from benchmark.trimming.plan import Plan
from benchmark.trimming.trace import modules_named, tensors_in


class StoppedError(RuntimeError):
    """The cut model does not run."""

    def __init__(self, error: Exception, progress: int, modules: Sequence[str], kind: str) -> None:
        super().__init__(str(error))
        self.error, self.progress, self.modules, self.kind = error, progress, tuple(modules), kind


class Comparison:
    """Copies of a model, of which some units are ignored in one and cut from the other.

    Norms over units that are cut only scale and shift in both. Weights are disturbed, so that layers that start from
    zeros and norms whose channels are all alike show a mix-up too.
    """

    def __init__(self, model: nn.Module, inputs: Sequence[Any], seed: int = 0) -> None:
        self.seed = seed
        for dtype in (torch.float64, None):
            self.double = dtype is not None
            self.model = _in_dtype(copied(model).eval(), dtype)
            self.inputs = tuple(_cast(x, dtype) for x in inputs)
            try:
                plain = self.run(self.model)
                break
            except Exception:
                if dtype is None:
                    raise
        state = copy.deepcopy(self.model.state_dict())
        _disturb(self.model, seed)
        if not _finite(self.run(self.model)) and _finite(plain):
            self.model.load_state_dict(state)
        self._train_shapes = self._in_training(copied(self.model))

    @property
    def tolerance(self) -> float:
        """What float error may do, for outputs up to 1."""
        return 1e-11 if self.double else 1e-3

    def of(self, coupling: Coupling, keep: Mapping[str, Sequence[int]]) -> tuple[float, float]:
        """The largest difference of any output element, and the largest output.

        Raises
        ------
        StoppedError
            The cut model does not run.
        RuntimeError
            Outputs have other shapes, or are finite in one only.
        """
        whole = copied(self.model)
        plan = coupling.plan(keep)
        cut = copied(self.model)
        _ignore(whole, coupling, plan, keep)
        norms = [name for name, groups in coupling.norms.items() if groups & coupling.widths.keys()]
        reference = self.run(whole, norms)
        stack: list[str] = []
        counter = _Counter()
        shapes: list[torch.Size] | None = None
        try:
            load(cut, plan.apply(self.model.state_dict()), coupling.stored)
            with modules_named(cut, stack), counter:
                outputs = self.run(cut, norms)
                if self._train_shapes is not None:
                    shapes = [out.shape for out in self.run(cut.train(), norms)]
        except Exception as error:
            kind = type(cut.get_submodule(stack[-1] if stack else "")).__name__
            raise StoppedError(error, counter.count, stack, kind) from error
        difference = _difference(reference, outputs)
        if shapes != self._train_shapes:
            raise RuntimeError("in training mode the outputs have other shapes than before the cut")
        return difference, max((float(out.abs().max()) for out in reference if out.numel()), default=0.0)

    def run(self, model: nn.Module, norms: Collection[str] = ()) -> list[Tensor]:
        """Outputs on copies of the inputs; the same random state every time."""
        stack: list[str] = []
        with (
            _default_dtype(torch.float64 if self.double else torch.get_default_dtype()),
            warnings.catch_warnings(),
            torch.random.fork_rng(),
            torch.no_grad(),
            modules_named(model, stack),
            _AffineOnly(norms, stack),
        ):
            # An instance norm without weights only warns that it stores another width.
            warnings.filterwarnings("error", message="input's size at dim")
            torch.manual_seed(self.seed)
            return tensors_in(model(*copy.deepcopy(self.inputs)))

    def _in_training(self, model: nn.Module) -> list[torch.Size] | None:
        """Shapes of the outputs in training mode, in which other parts may run; None where these inputs do not do."""
        try:
            return [out.shape for out in self.run(model.train())]
        except Exception:  # whatever a forward raises: a batch norm on one row, say
            return None


def copied(model: nn.Module) -> nn.Module:
    """A deep copy. Tensors that a module keeps from an earlier forward are copied without their history."""
    memo: dict[int, Any] = {}
    for module in model.modules():
        for value in module.__dict__.values():
            if isinstance(value, Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    return copy.deepcopy(model, memo)


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """What the forward makes itself, zeros of a state say, has this dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _in_dtype(model: nn.Module, dtype: torch.dtype | None) -> nn.Module:
    if dtype is None:
        return model
    model.double()
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_complex():
            tensor.data = tensor.data.to(torch.complex128)
    return model


def _cast(value: Any, dtype: torch.dtype | None) -> Any:
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() and dtype else value


def _finite(outputs: Sequence[Tensor]) -> bool:
    return all(bool(out.isfinite().all()) for out in outputs)


@torch.no_grad()
def _disturb(model: nn.Module, seed: int) -> None:
    noise = torch.Generator().manual_seed(seed)

    def random(tensor: Tensor) -> Tensor:
        return torch.rand(tensor.shape, generator=noise, dtype=torch.float64).to(tensor)

    for parameter in model.parameters():
        if parameter.is_floating_point():
            size = parameter.square().mean().sqrt()
            parameter.mul_(0.75 + 0.5 * random(parameter)).add_((random(parameter) - 0.5) * 0.2 * (size + 0.1))
    for buffer in model.buffers():
        if buffer.is_floating_point() and buffer.numel() > 1:
            buffer.mul_(0.75 + 0.5 * random(buffer))


def _ignore(model: nn.Module, coupling: Coupling, plan: Plan, keep: Mapping[str, Sequence[int]]) -> None:
    """Zero every weight that reads a unit which is not kept."""
    state = model.state_dict()
    before = {name: state[name].clone() for name in plan.gains}
    for group in coupling.groups:
        dropped = sorted(set(range(len(group))).difference(keep[group.name]))
        for axis in group.axes if dropped else ():
            if axis.reads:
                positions = torch.tensor([position for unit in dropped for position in axis.positions[unit]])
                # A direction without length is nothing that weight norm can work with; no gain does the same.
                by_gain = axis.gain is not None and axis.gain.dim == axis.dim
                target = state[axis.gain.name] if axis.gain is not None and by_gain else state[axis.tensor]
                target.index_fill_(axis.dim, positions, 0)
    for name, gain in plan.gains.items():
        left = gain.lengths(state[name]) / gain.lengths(before[name])
        state[gain.name].mul_(left.reshape(state[gain.name].shape))


def _difference(reference: Sequence[Tensor], outputs: Sequence[Tensor]) -> float:
    if len(reference) != len(outputs):
        raise RuntimeError(f"{len(outputs)} outputs after the cut, {len(reference)} before")
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


class _Counter(TorchDispatchMode):
    """How many operations have run."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


class _AffineOnly(TorchFunctionMode):
    """Layer and group norms in these modules scale and shift, and nothing else."""

    def __init__(self, norms: Collection[str], stack: Sequence[str]) -> None:
        super().__init__()
        self.norms, self.stack = norms, stack

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _NORMS and (self.stack[-1] if self.stack else "") in self.norms:
            return _NORMS[func](*args, **kwargs)
        return func(*args, **kwargs)


def _last(
    input: Tensor, shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    if tuple(shape) != tuple(input.shape[-len(shape) :]):
        raise RuntimeError(f"given normalized_shape={list(shape)}, but the input has shape {list(input.shape)}")
    out = input if weight is None else input * weight
    return out if bias is None else out + bias


def _rms(input: Tensor, shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    return _last(input, shape, weight)


def _channels(
    input: Tensor, groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    if groups > 1:
        return F.group_norm(input, groups, weight, bias, eps)
    shape = (-1, *[1] * (input.dim() - 2))
    out = input if weight is None else input * weight.view(shape)
    return out if bias is None else out + bias.view(shape)


_NORMS: dict[Any, Callable[..., Tensor]] = {F.layer_norm: _last, F.rms_norm: _rms, F.group_norm: _channels}
