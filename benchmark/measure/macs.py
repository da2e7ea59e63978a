"""Multiply-accumulates of one forward, counted layer by layer; what cannot be counted is an error, never a zero.

A MAC is one weight times one activation, added up: matrix products and convolutions. By convention biases, norms,
activations, pooling, padding, resampling, look-ups, Fourier transforms and all other point-wise work are no MACs.
The counts equal those of :class:`torch.utils.flop_counter.FlopCounterMode` divided by two, except that the latter
gives 0 for `nn.LSTM` where a fused kernel runs.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from contextlib import ExitStack
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from benchmark.errors import BenchError
from benchmark.measure.evaluating import evaluating

Rule = Callable[[Any, tuple[Any, ...], Any], int]
"""(module, its inputs in the order of its forward's signature, its output) -> MACs of that call."""


class UnknownLayer(BenchError):  # noqa: N818 - it says what went wrong, and the name is public
    """A model does work whose MACs nobody has stated."""


def macs(model: nn.Module, example: Tensor | tuple[Any, ...]) -> int:
    """MACs of one forward of `model` on `example` (a tuple: its positional arguments) in eval mode.

    All of the input counts: twice the batch or twice the sequence is twice the MACs (for layers that keep its length).
    A layer that is called twice counts twice; one that is not called counts nothing. The model is left as it was.

    ==================================  ===========================================================================
    Conv1d, Conv2d, Conv3d              output elements x (input channels / groups) x kernel; so stride, dilation
                                        and padding act through the output's shape (a padded zero is multiplied too)
    ConvTranspose1d, 2d, 3d             input elements x (output channels / groups) x kernel
    Linear, input of any rank           output elements x input features
    RNN, LSTM, GRU and their cells      time steps x batch x elements of all weight matrices: gates, layers,
                                        directions, projection; a packed sequence counts its true lengths
    Embedding, norms, activations,      0: the classes in :data:`FREE`
    pooling, dropout, padding, ...
    a class with a method `macs`        what `module.macs(inputs, output)` returns, for all that happens inside it;
                                        `inputs` is the tuple of its forward's arguments
    any module with children            the sum of its children; its own parameters may take part point-wise
    ==================================  ===========================================================================

    A subclass counts like its base as long as it has the same `forward`.

    Raises
    ------
    UnknownLayer
        Some other leaf module was called, or a matrix product, a convolution or an operator from outside torch ran
        outside the layers above. A product written as multiply-then-sum cannot be noticed.
    """
    counter = _Counter()
    with ExitStack() as stack:
        stack.enter_context(evaluating(model))
        stack.enter_context(torch.no_grad())
        for name, module in model.named_modules():
            place = f"{name!r} ({type(module).__name__})" if name else f"the model itself ({type(module).__name__})"
            for handle in counter.watch(module, place):
                stack.callback(handle.remove)
        stack.enter_context(counter)
        model(*example if isinstance(example, tuple) else (example,))
    if counter.problems:
        more = f" (and {len(counter.problems) - 1} more)" if len(counter.problems) > 1 else ""
        raise UnknownLayer(f"cannot count MACs: {counter.problems[0]}{more}")
    return counter.total


def _per_row(weight: Tensor) -> int:
    """Elements in one row: (other channels / groups) x kernel."""
    return prod(weight.shape[1:])


def _by_output(module: Any, inputs: tuple[Any, ...], output: Tensor) -> int:
    return output.numel() * _per_row(module.weight)


def _by_input(module: Any, inputs: tuple[Any, ...], output: Tensor) -> int:
    return int(inputs[0].numel()) * _per_row(module.weight)


def _recurrent(module: Any, inputs: tuple[Any, ...], output: Any) -> int:
    # `.data` of a PackedSequence holds one row for each true time step; of a tensor it is the tensor.
    rows: int = inputs[0].data.numel() // module.input_size
    # Every weight matrix of every gate, layer and direction meets every row exactly once.
    weights: int = sum(p.numel() for name, p in module.named_parameters() if name.startswith("weight"))
    return rows * weights


def _free(module: Any, inputs: tuple[Any, ...], output: Any) -> int:
    return 0


def _taught(module: Any, inputs: tuple[Any, ...], output: Any) -> int:
    return int(module.macs(inputs, output))


FREE: tuple[type[nn.Module], ...] = (
    *(nn.Embedding, nn.EmbeddingBag, nn.Identity, nn.Flatten, nn.Unflatten, nn.Fold, nn.Unfold),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
    *(nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm),
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish),
    *(nn.Sigmoid, nn.LogSigmoid, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh, nn.Tanh, nn.Hardshrink, nn.Softshrink),
    *(nn.Tanhshrink, nn.Softplus, nn.Softsign, nn.Threshold, nn.GLU),
    *(nn.Softmax, nn.Softmax2d, nn.LogSoftmax, nn.Softmin),
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout),
    *(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.LPPool1d, nn.LPPool2d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    *(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
    *(nn.MaxUnpool1d, nn.MaxUnpool2d, nn.MaxUnpool3d, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d),
    *(nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d, nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d),
    *(nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReflectionPad3d, nn.CircularPad1d, nn.CircularPad2d),
    *(nn.CircularPad3d, nn.ReplicationPad1d, nn.ReplicationPad2d, nn.ReplicationPad3d),
    *(nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d),
    *(nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle),
)

_RULES: dict[type[nn.Module], Rule] = {
    **dict.fromkeys((nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d), _by_output),
    **dict.fromkeys((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), _by_input),
    **dict.fromkeys((nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell), _recurrent),
    **dict.fromkeys(FREE, _free),
}


def _rule(module: nn.Module) -> Rule | None:
    if callable(getattr(type(module), "macs", None)):
        return _taught
    for kind in type(module).__mro__:
        if kind in _RULES:
            # Whoever writes another forward may do other work in it.
            return _RULES[kind] if type(module).forward is kind.forward else None
    return None


_MATRIX_OP = re.compile(
    r"(?:^|_)(?:[a-z]*mm|mv|addmv|dot|vdot|vecdot|inner|matmul|linear|bilinear|trilinear|einsum|tensordot|cdist"
    r"|conv|conv\dd|convolution|rnn|lstm|gru|attention|transformer)(?:_|$)"
)
"""Words in the names of torch's operators, on any back end, whose work is products or convolutions."""


def _is_matrix_op(name: str) -> bool:
    """Whether an operator (`aten::addmm`, `aten::add.Tensor`) is one of these, or not of torch's core: who knows."""
    library, _, op = name.partition("::")
    return library not in ("aten", "prim", "prims", "profiler") or bool(_MATRIX_OP.search(op.partition(".")[0]))


class _Counter(TorchDispatchMode):
    """Sees every module call through hooks and every operator through dispatch."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0
        self.problems: list[str] = []
        self._calls: list[tuple[str, bool]] = []
        """The module calls that are running, outermost first: (place, does it answer for what happens inside)."""

    def watch(self, module: nn.Module, place: str) -> list[Any]:
        rule = _rule(module)
        childless = not any(True for _ in module.children())
        unknown = rule is None and childless and type(module).forward is not nn.Sequential.forward

        def enter(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if unknown and not self._answered():
                self._report(f"layer {place} is of no known type; give its class a method macs(inputs, output) -> int")
            self._calls.append((place, rule is not None or unknown))

        def leave(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            self._calls.pop()
            # No output: the call raised, and the hook runs only to keep `_calls` in step.
            if rule is not None and output is not None and not self._answered():
                inputs = inspect.signature(module.forward).bind(*args, **kwargs).args
                self.total += rule(module, inputs, output)

        return [
            module.register_forward_pre_hook(enter, with_kwargs=True),
            module.register_forward_hook(leave, with_kwargs=True, always_call=True),
        ]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if _is_matrix_op(func.name()) and not self._answered():
            place = self._calls[-1][0] if self._calls else "no module"
            self._report(
                f"{func.name()} runs in {place}, outside the layers that are counted; use a layer of torch.nn, or put"
                " it into a module with a method macs(inputs, output) -> int"
            )
        return func(*args, **(kwargs or {}))

    def _answered(self) -> bool:
        return any(answers for _, answers in self._calls)

    def _report(self, problem: str) -> None:
        # Kept, not raised: a model's own `except` must not turn an error into a zero.
        if problem not in self.problems:
            self.problems.append(problem)
