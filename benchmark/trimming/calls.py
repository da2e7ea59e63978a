"""A call of an aten operation, and the two rules that need no pattern."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_leaves

from benchmark.trimming.ledger import Ledger


@dataclass(frozen=True)
class Call:
    """One call of an aten operation that has run."""

    function: Any
    args: Sequence[Any]
    kwargs: dict[str, Any]
    outputs: list[Tensor]

    @property
    def name(self) -> str:
        """Without namespace and overload."""
        return str(self.function._schema.name).removeprefix("aten::")

    @cached_property
    def tensors(self) -> list[Tensor]:
        """All tensors among the arguments, in order."""
        return [leaf for leaf in tree_leaves((self.args, self.kwargs)) if isinstance(leaf, Tensor)]

    @cached_property
    def given(self) -> dict[str, Any]:
        """Arguments by their name in the schema, defaults filled in."""
        schema = self.function._schema.arguments
        values = {argument.name: argument.default_value for argument in schema if argument.has_default_value()}
        values |= dict(zip((argument.name for argument in schema), self.args, strict=False))
        return values | self.kwargs

    def dims(self, name: str = "dim") -> list[int]:
        """The dims that an argument names; all where it names none."""
        ndim = self.tensors[0].dim()
        value = self.given.get(name)
        if value is None or value == []:
            return list(range(ndim))
        return [d % max(ndim, 1) for d in (value if isinstance(value, list | tuple) else [value])]


Rule = Callable[[Ledger, Call], None]


def unknown(ledger: Ledger, call: Call) -> None:
    """Freeze every unit that the call sees."""
    for tensor in call.tensors:
        ledger.freeze(tensor, f"it goes through aten.{call.name}, which has no rule")


def harmless(ledger: Ledger, call: Call) -> None:
    """Nothing to do: a view whose result follows its input whatever the width, or a constant."""
