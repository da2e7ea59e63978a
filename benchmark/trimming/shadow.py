"""Shadow memory: which unit each element of each activation belongs to."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from benchmark.trimming.units import FIXED

MADE = -1
"""In the shadow of a constant that the forward makes: it belongs to no unit and is as wide as the code asks."""


_SLACK = 2**20
"""Bytes that are not worth a sweep."""


class Shadow:
    """An int32 id for every element of every storage that was written to.

    Ids hang on storages, not on tensors, so views and writes through views need no rule: a view of the tensor is the
    same view of its ids. A storage that was never written has no ids. Storages are held weakly: a shadow lives as long
    as the activation it belongs to.
    """

    def __init__(self) -> None:
        self._ids: dict[int, tuple[StorageWeakRef, Tensor, int]] = {}
        self._held = 0
        self._sweep_at = _SLACK

    def read(self, tensor: Tensor) -> Tensor | None:
        """The ids, in the shape of the tensor, sharing the memory of the shadow; None where there are none."""
        entry = self._ids.get(tensor.untyped_storage()._cdata) if _has_elements(tensor) else None
        if entry is None or tensor.element_size() % entry[2]:
            return None
        _, memory, size = entry
        parts = tensor.element_size() // size
        return memory.as_strided(tensor.shape, [s * parts for s in tensor.stride()], tensor.storage_offset() * parts)

    def write(self, tensor: Tensor, ids: Tensor) -> bool:
        """Set the ids of the tensor (ids broadcast to its shape). False where that memory cannot have any."""
        if not _has_elements(tensor):
            return tensor.layout == torch.strided
        storage = tensor.untyped_storage()
        if storage._cdata not in self._ids:
            self._sweep(storage.nbytes())
            # A complex number has two ids, so that its parts can be seen as real numbers.
            size = tensor.element_size() // (2 if tensor.is_complex() else 1)
            memory = torch.full((storage.nbytes() // size,), FIXED, dtype=torch.int32)
            # The weak reference also keeps the address from being given to another storage.
            self._ids[storage._cdata] = (StorageWeakRef(storage), memory, size)
        _, memory, size = self._ids[storage._cdata]
        if tensor.element_size() % size:
            return False
        parts = tensor.element_size() // size
        strides = [*(s * parts for s in tensor.stride()), 1]
        memory.as_strided((*tensor.shape, parts), strides, tensor.storage_offset() * parts).copy_(ids.unsqueeze(-1))
        return True

    def _sweep(self, coming: int) -> None:
        """Let go of the shadows of activations that are gone, before they are as much again as those that are not."""
        self._held += coming
        if self._held < self._sweep_at:
            return
        self._ids = {key: entry for key, entry in self._ids.items() if not entry[0].expired()}
        self._held = coming + sum(memory.nbytes for _, memory, _ in self._ids.values())
        self._sweep_at = self._held + self._held // 2 + _SLACK


def _has_elements(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and tensor.numel() > 0


def padded(ids: Tensor) -> Tensor:
    """The ids where constants that continue units in some dim (zeros before a sequence, say) belong to these units."""
    for dim in range(ids.dim()):
        top = ids.amax(dim, keepdim=True)
        if bool(((ids == top) | (ids == MADE)).all()):
            ids = top
    return torch.where(ids == MADE, FIXED, ids)


def compact(ids: Tensor) -> Tensor:
    """The ids with every dim along which they do not vary narrowed to length 1."""
    for dim in sorted(range(ids.dim()), key=lambda d: -ids.shape[d]):
        first = ids.narrow(dim, 0, 1)
        if ids.shape[dim] > 1 and bool((ids == first).all()):
            ids = first
    return ids


def varying(pattern: Tensor) -> set[int]:
    """The dims along which a compact pattern varies."""
    return {dim for dim, size in enumerate(pattern.shape) if size > 1}
