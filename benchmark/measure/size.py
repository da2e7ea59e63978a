"""How large a model is: parameters, non-zeros, bytes that would ship."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.states import encode

if TYPE_CHECKING:
    from torch import Tensor, nn


def parameters(model: nn.Module) -> int:
    """Number of scalars in the learnable tensors; a tensor under two names counts once, a frozen one counts too."""
    return sum(p.numel() for p in model.parameters())


def nonzero(model: nn.Module) -> int:
    """Those of `parameters` that are not exactly zero."""
    return sum(int(p.detach().count_nonzero()) for p in model.parameters())


def artefact_bytes(model: nn.Module) -> int:
    """Bytes of the file that would ship: the state dict as safetensors, its header included.

    Weights and the buffers that inference reads, in the dtype that they have. `num_batches_tracked` of norms is left
    out: only training reads it. A tensor under two names is stored once.
    """
    shipped: dict[int, tuple[str, Tensor]] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if name.rpartition(".")[2] != "num_batches_tracked":
            shipped.setdefault(id(tensor), (name, tensor))
    return len(encode(dict(shipped.values())))
