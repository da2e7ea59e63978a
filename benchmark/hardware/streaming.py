"""A net as a stream: a hop of new input and the carried state go in, the hop's answers and the new state come out.

It is made from the net itself and checked against it: fed hop by hop, it must give what the whole net gives. Where that
fails (something looks ahead, or sees the whole clip) there is no stream, and no reader has to trust a rule. A net that
is more than its layers, as one that ends in a synthesizer is, can have a method `stream(example) -> Stream` that says
how it is fed; that is checked too.

Carried are, for every convolution or pooling over time, the last inputs that the next hop needs, which are
(kernel - 1) x dilation + 1 - stride steps; and the state of recurrent layers. Zeros that a net pads on the left are the
stream's first state. A net that pads nothing answers as soon as its context is full: that many hops later.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from benchmark.errors import BenchError
from benchmark.measure.evaluating import evaluating

LONG = 1024
HOP = 64
"""Steps of a hop where the input has at least `LONG` (samples); else a hop is one step (a frame)."""
ONE_LENGTH = "it takes inputs of one length only"


class NotStreamable(BenchError):  # noqa: N818 - it says what is so, and the name is public
    """A net cannot be fed hop by hop; why."""


@dataclass(frozen=True, eq=False)
class Stream:
    """A net that is fed hop by hop."""

    module: nn.Module
    """(hop, *states) -> (answer, *states)."""
    inputs: tuple[Tensor, ...]
    """One hop, and the states at the start."""
    calls: int
    """Hops that take the place of one call of the whole net."""
    axis: int
    """Of the net's input, along which hops lie."""
    out_axis: int | None
    """Of the net's answer, along which those of hops lie. None: the last hop's answer is that of the net."""
    steps: int
    """Of the net's answer along `out_axis`: the last so many of what the hops answer."""
    late: int = 0
    """Steps of zeros that follow an input, so that the last of its answer comes."""
    feeds_back: bool = False
    """What it answers decides what it is told next: to call the whole net, one would have to know that before."""

    @property
    def states(self) -> tuple[np.ndarray, ...]:
        """At the start."""
        return tuple(state.numpy() for state in self.inputs[1:])

    def hops(self, x: np.ndarray) -> list[np.ndarray]:
        """An input of the whole net, hop by hop."""
        after = [(0, self.late if axis == self.axis else 0) for axis in range(x.ndim)]
        padded = np.pad(x, after)
        return np.split(padded, padded.shape[self.axis] // self.inputs[0].shape[self.axis], self.axis)

    def whole(self, answers: Sequence[np.ndarray]) -> np.ndarray:
        """The net's answer to an input, from those to all its hops."""
        if self.out_axis is None:
            return answers[-1]
        joined = np.concatenate(answers, self.out_axis)
        return joined.take(range(joined.shape[self.out_axis] - self.steps, joined.shape[self.out_axis]), self.out_axis)


@dataclass(frozen=True)
class _Carry:
    """What a node carries from hop to hop."""

    axis: int
    """Of time, in its input."""
    steps: int


def stream(model: nn.Module, example: Tensor) -> Stream:
    """The stream of a net that takes one tensor: its own, or along the last axis that gives one.

    Raises
    ------
    NotStreamable
        There is none.
    """
    if callable(own := getattr(model, "stream", None)):
        with evaluating(model), torch.no_grad():
            return _stated(own(example), model, example)
    reasons = []
    for axis in range(example.dim() - 1, 0, -1):
        if example.shape[axis] < 2:
            continue
        try:
            with evaluating(model), torch.no_grad():
                return _along(model, example, axis)
        except NotStreamable as error:
            reasons.append(str(error))
    telling = [reason for reason in reasons if reason != ONE_LENGTH]
    raise NotStreamable([*telling, *reasons, "no axis of its input has two steps"][0])


def _along(model: nn.Module, example: Tensor, axis: int) -> Stream:
    traced = _traced(model)
    shapes = _Shapes(traced).of(example)
    try:
        longer = _Shapes(traced).of(torch.cat([example, example], axis))
    except (RuntimeError, ValueError) as error:
        raise NotStreamable(ONE_LENGTH) from error
    axes = {name: _changed(shape, longer[name]) for name, shape in shapes.items() if name in longer}
    carries, skipped, states = _rules(traced, shapes, axes)
    steps = example.shape[axis]
    hop = next(h for h in (HOP, 32, 16, 8, 4, 2, 1) if steps % h == 0) if steps >= LONG else 1
    output = next(node for node in traced.graph.nodes if node.op == "output").args[0]
    if not isinstance(output, fx.Node):
        raise NotStreamable("it gives more than one answer")
    out_axis = axes[output.name]
    if out_axis is not None:
        gained = longer[output.name][out_axis] - shapes[output.name][out_axis]
        # A net that thins time out answers once in so many steps.
        hop *= max(1, steps // gained)
    if steps % hop:
        raise NotStreamable(f"its {steps} steps are no whole number of hops of {hop}")
    module = _Streaming(traced, carries, skipped).eval()
    inputs = (example.narrow(axis, 0, hop), *states)
    return _checked(module, inputs, model, example, axis, out_axis)


def _stated(made: Stream, model: nn.Module, example: Tensor) -> Stream:
    """A net's own stream, after it has been seen to give what the net gives."""
    hops = map(torch.from_numpy, made.hops(example.numpy()))
    answers = _fed(made.module, hops, made.inputs[1:])
    found = torch.from_numpy(made.whole([answer.numpy() for answer in answers]))
    if not _close(found, model(example)):
        raise NotStreamable(f"the stream that {type(model).__name__} says it is gives something else than the net")
    return made


COARSE = 8
"""So many large hops at least, or as many as there are, in the check of a whole input."""


def _checked(
    module: nn.Module, inputs: tuple[Tensor, ...], model: nn.Module, example: Tensor, axis: int, out_axis: int | None
) -> Stream:
    """The stream, after hops have been seen to give what one call of the net gives."""
    whole, hop = model(example), inputs[0].shape[axis]
    total = example.shape[axis] // hop
    # A long input in large hops, and the first of these in small ones: what a hop's length is does not matter.
    number = next((n for n in range(COARSE, total) if total % n == 0), total)
    large = example.split(example.shape[axis] // number, axis)
    coarse = _fed(module, large, inputs[1:])
    fine = _fed(module, large[0].split(hop, axis), inputs[1:])
    steps = 0
    if out_axis is None:
        calls, pairs = total, [(coarse[-1], whole), (fine[-1], coarse[0])]
    else:
        if fine[0].dim() <= out_axis or not fine[0].shape[out_axis]:
            raise NotStreamable("a hop gives no answer")
        calls, rest = divmod(whole.shape[out_axis], fine[0].shape[out_axis])
        answers = torch.cat(coarse, out_axis)
        more = answers.shape[out_axis] - whole.shape[out_axis]
        if rest or more < 0:
            raise NotStreamable("it looks ahead, or its answers are no whole number of hops")
        steps = whole.shape[out_axis]
        late = answers.narrow(out_axis, more, steps)
        pairs = [(late, whole), (torch.cat(fine, out_axis), coarse[0])]
    if not all(_close(found, wanted) for found, wanted in pairs):
        raise NotStreamable("it looks ahead, or sees the whole clip at once")
    return Stream(module, inputs, calls, axis, out_axis, steps)


def _fed(module: nn.Module, hops: Iterable[Tensor], states: Sequence[Tensor]) -> list[Tensor]:
    answers = []
    for hop in hops:
        try:
            answer, *states = module(hop, *states)
        except (RuntimeError, IndexError, ValueError) as error:
            raise NotStreamable("something in it needs more than a hop") from error
        answers.append(answer)
    return answers


def _close(found: Tensor, wanted: Tensor) -> bool:
    scale = max(1.0, float(wanted.abs().max()))
    return found.shape == wanted.shape and torch.allclose(found, wanted, rtol=1e-4, atol=1e-5 * scale)


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        layers = (nn.Conv1d, nn.Conv2d, nn.RNNBase)
        return isinstance(m, layers) or super().is_leaf_module(m, module_qualified_name)


def _traced(model: nn.Module) -> fx.GraphModule:
    own = copy.deepcopy(model)
    try:
        return fx.GraphModule(own, _Tracer().trace(own))
    except Exception as error:
        # Tracing runs the model's own code on stand-ins, so anything can be raised.
        raise NotStreamable(f"its forward cannot be followed ({type(error).__name__}: {error})") from error


class _Shapes(fx.Interpreter):
    def of(self, example: Tensor) -> dict[str, tuple[int, ...]]:
        self.found: dict[str, tuple[int, ...]] = {}
        self.run(example)
        return self.found

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.found[n.name] = tuple(result.shape)
        return result


def _changed(shape: tuple[int, ...], longer: tuple[int, ...]) -> int | None:
    """The axis of time: the one that is longer where the input is."""
    found = [i for i, (a, b) in enumerate(zip(shape, longer, strict=False)) if a != b]
    return found[0] if found else None


def _rules(
    traced: fx.GraphModule, shapes: dict[str, tuple[int, ...]], axes: dict[str, int | None]
) -> tuple[dict[str, _Carry], set[str], list[Tensor]]:
    """What each node carries, which nodes a stream leaves out, and the first states, in order."""
    carries: dict[str, _Carry] = {}
    skipped: set[str] = set()
    states: list[Tensor] = []
    for node in traced.graph.nodes:
        source = node.args[0] if node.args and isinstance(node.args[0], fx.Node) else None
        axis = axes.get(source.name) if source is not None else None
        if source is None or axis is None:
            continue
        module = traced.get_submodule(str(node.target)) if node.op == "call_module" else None
        if isinstance(module, nn.RNNBase):
            if module.bidirectional or axis != (1 if module.batch_first else 0) or len(node.args) > 1:
                raise NotStreamable("a recurrent layer runs backwards, not over time, or from a state of its own")
            carries[node.name] = _Carry(axis, 0)
            states += [torch.zeros(module.num_layers, 1, module.hidden_size)] * (1 + isinstance(module, nn.LSTM))
        elif module is not None and _spans(module) and axis >= 2:
            # One that skips steps needs none of the past.
            if (steps := _context(module, axis - 2)) > 0:
                carries[node.name] = _Carry(axis, steps)
                shape = list(shapes[source.name])
                shape[axis] = steps
                states.append(torch.zeros(shape))
        elif _pads_or_crops(node, module, axis, shapes, axes, source):
            skipped.add(node.name)
    return carries, skipped, states


def _spans(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv1d | nn.Conv2d | nn.MaxPool1d | nn.MaxPool2d | nn.AvgPool1d | nn.AvgPool2d)


def _context(module: Any, i: int) -> int:
    """Steps that a convolution or pooling needs of the past; its padding over time is taken away."""

    def along(value: Any) -> int:
        return int(value[i] if isinstance(value, tuple) else value)

    kernel, dilation = along(module.kernel_size), along(getattr(module, "dilation", 1))
    steps = (kernel - 1) * dilation + 1 - along(module.stride or module.kernel_size)
    if isinstance(module.padding, str):
        raise NotStreamable("a convolution is padded by name")
    if isinstance(module.padding, tuple):
        module.padding = tuple(0 if j == i else p for j, p in enumerate(module.padding))
    elif module.padding:
        raise NotStreamable("a pooling is padded")
    return steps


def _pads_or_crops(
    node: fx.Node,
    module: nn.Module | None,
    axis: int,
    shapes: dict[str, tuple[int, ...]],
    axes: dict[str, int | None],
    source: fx.Node,
) -> bool:
    """Whether a node only adds steps to an axis of time or takes some off: a stream has its state instead."""
    pads = isinstance(module, nn.ConstantPad1d | nn.ZeroPad1d) or node.target in (nn.functional.pad, torch.narrow)
    crops = node.target in ("narrow",) or getattr(node.target, "__name__", "") == "getitem"
    if not (pads or crops) or node.name not in shapes or axes.get(node.name) != axis:
        return False
    before, after = shapes[source.name], shapes[node.name]
    others = [i for i in range(len(before)) if i != axis]
    return len(before) == len(after) and all(before[i] == after[i] for i in others)


class _Streaming(nn.Module):
    def __init__(self, traced: fx.GraphModule, carries: dict[str, _Carry], skipped: set[str]) -> None:
        super().__init__()
        self.traced = traced
        self.carries = carries
        self.skipped = skipped

    def forward(self, hop: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """One hop."""
        run = _Hop(self.traced, self.carries, self.skipped, iter(states))
        answer = run.run(hop)
        return (answer, *run.carried)


class _Hop(fx.Interpreter):
    def __init__(
        self, traced: fx.GraphModule, carries: dict[str, _Carry], skipped: set[str], states: Iterator[Tensor]
    ) -> None:
        super().__init__(traced, garbage_collect_values=True)
        self.carries, self.skipped, self.states = carries, skipped, states
        self.carried: list[Tensor] = []

    def run_node(self, n: fx.Node) -> Any:
        if n.name in self.skipped:
            return self.fetch_args_kwargs_from_env(n)[0][0]
        if n.name not in self.carries:
            return super().run_node(n)
        carry, x = self.carries[n.name], self.fetch_args_kwargs_from_env(n)[0][0]
        layer = self.fetch_attr(str(n.target))
        if isinstance(layer, nn.LSTM):
            result, after = layer(x, (next(self.states), next(self.states)))
            self.carried += after
            return result, after
        if isinstance(layer, nn.RNNBase):
            result, last = layer(x, next(self.states))
            self.carried.append(last)
            return result, last
        seen = torch.cat([next(self.states), x], carry.axis)
        self.carried.append(seen.narrow(carry.axis, seen.shape[carry.axis] - carry.steps, carry.steps))
        return layer(seen)
