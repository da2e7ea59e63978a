"""The graph of one forward as a board would run it: which step reads and writes which buffer.

It is traced from the real model, so that branches, shared layers and widths are those of the net at hand. Weights are
constants in flash; what is computed from weights alone (weight norm) is done beforehand. Batch norm after a
convolution or a linear layer is folded into it, and zeros before a convolution too, as every exporter does. Reshaping
costs nothing; slicing, other padding and transposing copy, as they do in generated C.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmark.errors import BenchError
from benchmark.hardware import operators
from benchmark.hardware.boards import Format
from benchmark.measure.evaluating import evaluating


class UnknownOperator(BenchError):  # noqa: N818 - it says what went wrong, and the name is public
    """A model does something whose memory nobody has stated."""


@dataclass(frozen=True)
class Block:
    """So many elements of one kind, in memory or in flash."""

    elements: int
    item: int
    """Bytes of one element as torch has it."""
    real: bool
    """Floating point, so that it takes one byte in int8."""
    wide: bool = False
    """Kept in four bytes in int8 too: biases, norms, and all that belongs to a recurrent layer or a transform."""
    rows: int = 0
    """Of a weight: each has its scale in int8."""

    def bytes(self, number_format: Format) -> int:
        """In that number format."""
        if number_format == "int8" and self.real and not self.wide:
            return self.elements + 4 * self.rows
        return self.elements * self.item


@dataclass(frozen=True)
class Step:
    """One operation. Buffers are numbers in `Graph.buffers`, constants in `Graph.constants`."""

    operator: str
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    constants: tuple[int, ...] = ()
    in_place: bool = False
    """What it writes may lie over what it reads, where sizes agree."""
    functions: int = 0
    """Calls of tanh, sigmoid, exp and the like."""


@dataclass(frozen=True)
class Graph:
    """One forward of batch size 1, in order."""

    buffers: tuple[Block, ...]
    constants: tuple[Block, ...]
    steps: tuple[Step, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def functions(self) -> int:
        """Calls of tanh, sigmoid, exp and the like in all steps."""
        return sum(step.functions for step in self.steps)

    def weights(self, number_format: Format) -> int:
        """Bytes of the constants that the steps read; in int8 with a scale of four bytes for every row."""
        return sum(self.constants[c].bytes(number_format) for c in {c for s in self.steps for c in s.constants})

    def traffic(self, number_format: Format) -> tuple[int, int]:
        """Bytes read and bytes written: every step reads its operands and constants once and writes its results."""
        read = written = 0
        for step in self.steps:
            read += sum(self.buffers[b].bytes(number_format) for b in step.reads)
            read += sum(self.constants[c].bytes(number_format) for c in step.constants)
            written += sum(self.buffers[b].bytes(number_format) for b in step.writes)
        return read, written


def trace(model: nn.Module, example: Tensor | tuple[Any, ...]) -> Graph:
    """The graph of `model` on `example` (a tuple: its positional arguments) in eval mode; the model is left as it was.

    Raises
    ------
    UnknownOperator
        An operator that stands in no table of :mod:`benchmark.hardware.operators`; or an answer that is no tensor.
    """
    inputs = example if isinstance(example, tuple) else (example,)
    tracer = _Tracer(model, inputs)
    with ExitStack() as stack:
        stack.enter_context(evaluating(model))
        stack.enter_context(torch.no_grad())
        # Fused attention would hide what it takes.
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        stack.callback(torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled())
        torch.backends.mha.set_fastpath_enabled(False)
        for module in model.modules():
            if isinstance(module, nn.RNNBase | nn.RNNCellBase):
                for handle in tracer.watch(module):
                    stack.callback(handle.remove)
        stack.enter_context(tracer)
        output = model(*inputs)
    return tracer.graph(output)


PADDING, ZEROS_AROUND = "constant_pad_nd", "zeros around"
"""The second until it is known whether the zeros are a convolution's own padding."""
_GATES = {"LSTM": 4, "LSTMCell": 4, "GRU": 3, "GRUCell": 3, "RNN": 1, "RNNCell": 1}
_CALLS = {"LSTM": 5, "LSTMCell": 5, "GRU": 3, "GRUCell": 3, "RNN": 1, "RNNCell": 1}
"""Of tanh and sigmoid, for each unit and time step."""


class _Tracer(TorchDispatchMode):
    def __init__(self, model: nn.Module, inputs: Iterable[Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.buffers: list[Block] = []
        self.constants: list[Block] = []
        self.steps: list[Step] = []
        self.place: dict[int, int] = {}
        """id of a tensor -> its buffer, or -1 - its constant."""
        self.part_of: dict[int, Tensor] = {}
        """id of a tensor that is a part of another -> the other."""
        self.alive: list[Any] = []
        """So that no id is given twice."""
        self.inside = 0
        """How many recurrent layers are running: each is one step."""
        for tensor in (*model.parameters(), *model.buffers()):
            self._constant(tensor)
        self.inputs = [self._buffer(x) for x in tree_leaves(tuple(inputs)) if isinstance(x, Tensor)]

    def watch(self, module: nn.Module) -> list[Any]:
        """Make a recurrent layer one step."""

        def enter(module: nn.Module, args: Any) -> None:
            self.inside += 1

        def leave(module: Any, args: Any, kwargs: Any, output: Any) -> None:
            self.inside -= 1
            if output is not None and not self.inside:
                self._recurrent(module, (args, kwargs), output)

        return [
            module.register_forward_pre_hook(enter),
            module.register_forward_hook(leave, with_kwargs=True, always_call=True),
        ]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not self.inside:
            self._follow(func, args, kwargs or {}, out)
        return out

    def graph(self, output: Any) -> Graph:
        leaves = [leaf for leaf in tree_leaves(output) if leaf is not None]
        if not leaves or not all(isinstance(leaf, Tensor) and id(leaf) in self.place for leaf in leaves):
            raise UnknownOperator("cannot plan memory: the model's answer is no tensor that it has computed")
        outputs = tuple(dict.fromkeys(p for leaf in leaves if (p := self.place[id(leaf)]) >= 0))
        whole = Graph(tuple(self.buffers), tuple(self.constants), tuple(self.steps), tuple(self.inputs), outputs)
        return _padded_within(_folded(_needed(whole)))

    def _follow(self, func: Any, args: Any, kwargs: Any, out: Any) -> None:
        library, _, overloaded = func.name().partition("::")
        mutable = func._schema.is_mutable
        name = overloaded.partition(".")[0]
        name = name.removesuffix("_") if mutable else name
        if library != "aten" or not _known(name):
            raise UnknownOperator(
                f"cannot plan memory: nobody has said what {func.name()} takes; add it to benchmark.hardware.operators"
            )
        operands = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        results = [x for x in tree_leaves(out) if isinstance(x, Tensor)]
        places = [self._place(x) for x in operands]
        if name in operators.NO_TENSOR or not results:
            return
        from_input = any(p >= 0 for p in places)
        if mutable and from_input:
            self._write(name, operands, places, results)
        elif name not in operators.RANDOM and (name in operators.FROM_NOTHING or not from_input):
            self._fold(name, operands, places, results)
        elif name in operators.SAME_BYTES or (name in operators.MOVES and _keeps_order(operands[0], results[0])):
            for result in results:
                self._put(result, places[0])
        else:
            self._step(ZEROS_AROUND if _adds_zeros(name, args) else name, operands, places, results)

    def _fold(self, name: str, operands: list[Tensor], places: list[int], results: list[Tensor]) -> None:
        """What no input takes part in is computed beforehand."""
        for result in results:
            if id(result) in self.place:
                continue
            if operands and (name in operators.SAME_BYTES or name in operators.MOVES):
                self._put(result, places[0])
            else:
                self._constant(result)
        self._note_parts(operands, results)

    def _write(self, name: str, operands: list[Tensor], places: list[int], results: list[Tensor]) -> None:
        """An operation that changes its first operand."""
        target = operands[0]
        changed = [target, *([self.part_of[id(target)]] if id(target) in self.part_of else [])]
        for tensor in changed:
            if self.place[id(tensor)] < 0:
                # A table that is written to is no table.
                self._buffer(tensor)
        written = tuple(self.place[id(tensor)] for tensor in changed)
        self.steps.append(
            Step(
                name,
                tuple(dict.fromkeys([*(p for p in places if p >= 0), *written])),
                written,
                tuple(dict.fromkeys(-1 - p for p in places[1:] if p < 0)),
                functions=operators.FUNCTIONS.get(name, 0) * target.numel(),
            )
        )
        for result in results:
            if id(result) not in self.place:
                self._put(result, written[0])

    def _step(self, name: str, operands: list[Tensor], places: list[int], results: list[Tensor]) -> None:
        self._note_parts(operands, results)
        self.steps.append(
            Step(
                name,
                tuple(dict.fromkeys(p for p in places if p >= 0)),
                tuple(self._buffer(r, wide="fft" in name) for r in results),
                tuple(dict.fromkeys(-1 - p for p in places if p < 0)),
                in_place=name in operators.ONE_TO_ONE,
                functions=operators.FUNCTIONS.get(name, 0) * results[0].numel(),
            )
        )

    def _note_parts(self, operands: list[Tensor], results: list[Tensor]) -> None:
        """A slice is a copy as long as nobody writes to it."""
        for result in results:
            for x in operands:
                if x is not result and x.untyped_storage()._cdata == result.untyped_storage()._cdata:
                    self.part_of.setdefault(id(result), self.part_of.get(id(x), x))

    def _recurrent(self, module: Any, args: Any, output: Any) -> None:
        kind = next(base.__name__ for base in type(module).__mro__ if base.__name__ in _GATES)
        operands = [x for x in tree_leaves(args) if isinstance(x, Tensor)]
        results = [x for x in tree_leaves(output) if isinstance(x, Tensor)]
        parameters = tuple(dict.fromkeys(-1 - self.place[id(p)] for p in module.parameters()))
        for constant in parameters:
            self.constants[constant] = replace(self.constants[constant], wide=True)
        reads = tuple(dict.fromkeys(p for x in operands if (p := self._place(x)) >= 0))
        rows = operands[0].numel() // module.input_size
        layers = getattr(module, "num_layers", 1) * (2 if getattr(module, "bidirectional", False) else 1)
        writes = [self._buffer(r, wide=True) for r in results]
        # The gates of one time step, and between layers the sequence of the layer below.
        scratch = _GATES[kind] * module.hidden_size
        if getattr(module, "num_layers", 1) > 1:
            scratch += results[0].numel()
        self.buffers.append(Block(scratch, 4, real=True, wide=True))
        writes.append(len(self.buffers) - 1)
        calls = _CALLS[kind] * rows * module.hidden_size * layers
        self.steps.append(Step(kind, reads, tuple(writes), parameters, functions=calls))

    def _place(self, tensor: Tensor) -> int:
        # A tensor that no operation has made came with the code: a table.
        return self.place[id(tensor)] if id(tensor) in self.place else self._constant(tensor)

    def _put(self, tensor: Tensor, place: int) -> None:
        self.place[id(tensor)] = place
        self.alive.append(tensor)

    def _buffer(self, tensor: Tensor, wide: bool = False) -> int:
        self.buffers.append(_block(tensor, wide))
        self._put(tensor, len(self.buffers) - 1)
        return len(self.buffers) - 1

    def _constant(self, tensor: Tensor) -> int:
        flat = tensor.dim() < 2
        self.constants.append(replace(_block(tensor, wide=flat), rows=0 if flat else tensor.shape[0]))
        self._put(tensor, -len(self.constants))
        return -len(self.constants)


def _known(name: str) -> bool:
    tables = (operators.SAME_BYTES, operators.MOVES, operators.ONE_TO_ONE, operators.OWN_MEMORY)
    return any(name in t for t in (*tables, operators.FROM_NOTHING, operators.RANDOM, operators.NO_TENSOR))


def _block(tensor: Tensor, wide: bool) -> Block:
    real = tensor.dtype.is_floating_point
    return Block(tensor.numel(), min(4, tensor.element_size()) if real else tensor.element_size(), real, wide)


def _keeps_order(before: Tensor, after: Tensor) -> bool:
    """Whether axes with more than one element stand in the same order (a view has the strides of its base)."""
    strides = [stride for stride, size in zip(after.stride(), after.shape, strict=True) if size > 1]
    return strides == sorted(strides, reverse=True) and prod(before.shape) == prod(after.shape)


def _needed(graph: Graph) -> Graph:
    """Without steps and results that nothing reads, such as the places of maxima that pooling also gives."""
    wanted = set(graph.outputs)
    steps = []
    for step in reversed(graph.steps):
        if wanted.intersection(step.writes):
            wanted |= set(step.reads)
            steps.append(step)
    read = {b for step in steps for b in step.reads}
    kept = []
    for step in reversed(steps):
        # A recurrent layer needs its scratch, which nothing reads.
        writes = step.writes if step.operator in _GATES else tuple(w for w in step.writes if w in read | wanted)
        kept.append(replace(step, writes=writes))
    return replace(graph, steps=tuple(kept))


def _adds_zeros(name: str, args: Any) -> bool:
    """Whether an operation only puts zeros around the axes that a convolution runs over."""
    if name != PADDING:
        return False
    x, amounts, *value = args
    return not any(value) and min(amounts) >= 0 and not any(amounts[2 * (x.dim() - 2) :])


def _padded_within(graph: Graph) -> Graph:
    """Zeros that only a convolution reads, as its own padding."""
    readers = Counter(b for step in graph.steps for b in step.reads)
    readers.update(graph.outputs)
    zeros = {step.writes[0]: step.reads[0] for step in graph.steps if step.operator == ZEROS_AROUND}
    kept, within = [], set()
    for step in graph.steps:
        padded = [b for b in step.reads if b in zeros and readers[b] == 1]
        if step.operator == "convolution" and padded:
            within.update(padded)
            step = replace(step, reads=tuple(zeros[b] if b in padded else b for b in step.reads))
        kept.append(replace(step, operator=PADDING) if step.operator == ZEROS_AROUND else step)
    return replace(graph, steps=tuple(step for step in kept if not within.intersection(step.writes)))


def _folded(graph: Graph) -> Graph:
    """Batch norms taken into the convolution or product before them, where nothing else reads that."""
    readers = Counter(b for step in graph.steps for b in step.reads)
    readers.update(graph.outputs)
    makers = {b: i for i, step in enumerate(graph.steps) for b in step.writes}
    steps, constants, gone = list(graph.steps), list(graph.constants), set()
    for i, step in enumerate(graph.steps):
        if step.operator not in operators.FOLDED:
            continue
        channels = max(constants[c].elements for c in step.constants)
        source = step.reads[0]
        maker = makers.get(source)
        if maker is not None and steps[maker].operator in operators.BEFORE_FOLDED and readers[source] == 1:
            before = steps[maker]
            if not any(constants[c].wide for c in before.constants):
                constants.append(Block(channels, 4, real=True, wide=True))
                before = replace(before, constants=(*before.constants, len(constants) - 1))
            steps[maker] = replace(before, writes=step.writes)
            makers[step.writes[0]] = maker
            gone.add(i)
        else:
            # A factor and an offset a channel.
            constants.append(Block(2 * channels, 4, real=True, wide=True))
            steps[i] = replace(step, constants=(len(constants) - 1,))
    kept = tuple(step for i, step in enumerate(steps) if i not in gone)
    return replace(graph, steps=kept, constants=tuple(constants))
