"""Weights on disk: safetensors, so that nothing is unpickled, written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import DataError
from benchmark.files import write_whole

if TYPE_CHECKING:
    from torch import Tensor


def encode(state: Mapping[str, Tensor]) -> bytes:
    """The bytes of a safetensors file with these tensors; equal tensors give equal bytes.

    Tensors that share memory (tied weights, views) are written once under each name.
    """
    import torch
    from safetensors.torch import save

    # safetensors refuses shared memory and strides; clones have neither.
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()
    }
    return save(copies)


def save_state(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors, whole or not at all."""
    write_whole(path, encode(state))


def load_state(path: Path) -> dict[str, Tensor]:
    """Read what `save_state` wrote: tensors on the CPU, by name.

    Raises
    ------
    DataError
        The file is absent, cut short, or not safetensors. (Altered weights in a whole file are not noticed.)
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read the weights {path}: {error.strerror}") from error
    except SafetensorError as error:
        raise DataError(f"the weights {path} are damaged ({error}): delete the file and run again") from error
