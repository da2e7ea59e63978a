"""One forward with every operation observed, and the model left as it was."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmark.trimming import operations as rules
from benchmark.trimming.calls import Call
from benchmark.trimming.layers import LAYERS
from benchmark.trimming.ledger import Ledger
from benchmark.trimming.teaching import follow, taught

_LEAVING_TORCH = {torch.Tensor.numpy, torch.Tensor.tolist, torch.Tensor.__array__, torch.Tensor.data_ptr}


class _Operations(TorchDispatchMode):
    """Gives every aten operation to the rules of :mod:`.operations`, unless a layer's rule speaks for it."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ledger = ledger
        self.watching = True

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if self.watching:
            outputs = [leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]
            with self.set_watching(False):
                rules.follow(self.ledger, Call(func, args, kwargs, outputs))
        return out

    @contextmanager
    def set_watching(self, on: bool) -> Iterator[None]:
        before, self.watching = self.watching, on
        try:
            yield
        finally:
            self.watching = before


class _Layers(TorchFunctionMode):
    """Gives every call of a layer to the rules of :mod:`.layers`."""

    def __init__(self, ledger: Ledger, operations: _Operations) -> None:
        super().__init__()
        self.ledger = ledger
        self.operations = operations

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}

        def run(hidden: bool) -> Any:
            with self.operations.set_watching(not hidden):
                return func(*args, **kwargs)

        if func in LAYERS and self.operations.watching:
            with self.operations.set_watching(False):
                return LAYERS[func](self.ledger, run, *args, **kwargs)
        if func in _LEAVING_TORCH and self.operations.watching:
            with self.operations.set_watching(False):
                self.ledger.freeze(args[0], f"its values leave torch, by {func.__name__}")
        return func(*args, **kwargs)


@contextmanager
def _taught(model: nn.Module, layers: _Layers) -> Iterator[None]:
    """Layers that a user has taught speak for themselves; their inside is hidden."""
    operations, ledger = layers.operations, layers.ledger

    before: list[bool] = []

    def enter(module: nn.Module, args: Any) -> None:
        before.append(operations.watching)
        operations.watching = False

    def leave(module: nn.Module, args: Any, output: Any) -> None:
        layer = taught(module)
        operations.watching = before.pop()
        if layer is not None and operations.watching:
            with operations.set_watching(False):
                follow(ledger, layer, module, args[0], output)

    with ExitStack() as handles:
        for module in model.modules():
            if taught(module) is not None:
                handles.callback(module.register_forward_pre_hook(enter).remove)
                handles.callback(module.register_forward_hook(leave, prepend=True).remove)
        yield


def tensors_in(value: object) -> list[Tensor]:
    """The tensors in what a module returned.

    Raises
    ------
    TypeError
        It holds an object that tensors could hide in.
    """
    leaves = tree_leaves(value)
    for leaf in leaves:
        if leaf is not None and not isinstance(leaf, Tensor | bool | int | float | complex | str | bytes):
            raise TypeError(f"a module returns a {type(leaf).__name__}; use tensors in tuples, lists or dicts")
    return [leaf for leaf in leaves if isinstance(leaf, Tensor)]


@contextmanager
def modules_named(
    model: nn.Module, stack: list[str], after: Callable[[str, object], None] | None = None
) -> Iterator[None]:
    """Keep the names of the running modules on the stack; call `after(name, output)` when one has run.

    When a forward raises, the stack keeps the names of the modules that were running.
    """

    def enter(name: str) -> Callable[..., None]:
        return lambda module, args: stack.append(name)

    def leave(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: object, output: object) -> None:
            if after is not None:
                after(name, output)
            # A submodule whose error the model caught has left its name.
            while stack and stack.pop() != name:
                pass

        return hook

    with ExitStack() as handles:
        for name, module in model.named_modules():
            handles.callback(module.register_forward_pre_hook(enter(name), prepend=True).remove)
            handles.callback(module.register_forward_hook(leave(name)).remove)
        yield


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards attributes, tensors and random state are as before."""
    attributes = [
        (module, dict(module.__dict__), dict(module._parameters), dict(module._buffers)) for module in model.modules()
    ]
    tensors = [*model.parameters(), *model.buffers()]
    values = [tensor.detach().clone() for tensor in tensors]
    devices = sorted({tensor.device.index for tensor in tensors if tensor.is_cuda})
    with torch.random.fork_rng(devices), torch.no_grad():
        try:
            model.eval()
            yield
        finally:
            for module, everything, parameters, buffers in attributes:
                module.__dict__.clear()
                module.__dict__.update(everything)
                module._parameters.clear()
                module._parameters.update(parameters)
                module._buffers.clear()
                module._buffers.update(buffers)
            for tensor, value in zip(tensors, values, strict=True):
                if not torch.equal(tensor, value):
                    tensor.copy_(value)


def trace(model: nn.Module, inputs: Sequence[Tensor], protect: Collection[str], refused: Mapping[str, str]) -> Ledger:
    """Run the model once in evaluation mode and write down which units go together.

    `protect` names modules whose outputs are frozen, `refused` tensors that keep their size, with the reason.
    """
    ledger = Ledger(model, dict(refused))
    operations = _Operations(ledger)

    def freeze_protected(name: str, output: object) -> None:
        if name in protect:
            with operations.set_watching(False):
                for tensor in tensors_in(output):
                    ledger.freeze(tensor, "it is protected")

    with untouched(model):
        layers = _Layers(ledger, operations)
        with modules_named(model, ledger.modules, freeze_protected), _taught(model, layers), operations, layers:
            outputs = tensors_in(model(*(x.detach().clone() for x in inputs)))
        ledger.modules.clear()
        for output in outputs:
            ledger.freeze(output, "it is an output of the model")
    ledger.settle()
    return ledger
