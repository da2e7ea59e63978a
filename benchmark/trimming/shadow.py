"""Shadow memory: which unit each element of each activation belongs to."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from benchmark.trimming.units import FIXED


class Shadow:
    """An int32 id for every element of every storage that was written to.

    Ids hang on storages, not on tensors, so views and writes through views need no rule: a view of the tensor is the
    same view of its ids. A storage that was never written has no ids. Storages are held weakly: a shadow lives as long
    as the activation it belongs to.
    """

    def __init__(self) -> None:
        self._ids: dict[int, tuple[StorageWeakRef, Tensor, int]] = {}
        self._sweep_at = 256

    def read(self, tensor: Tensor) -> Tensor | None:
        """The ids, in the shape of the tensor, sharing the memory of the shadow; None where there are none."""
        if tensor.layout != torch.strided or tensor.numel() == 0:
            return None
        entry = self._ids.get(tensor.untyped_storage()._cdata)
        # Seen through another item size (complex as real), elements do not line up: whoever made that view froze them.
        if entry is None or entry[2] != tensor.element_size():
            return None
        return entry[1].as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())

    def write(self, tensor: Tensor, ids: Tensor) -> bool:
        """Set the ids of the tensor (ids broadcast to its shape). False where that memory cannot have any."""
        if tensor.layout != torch.strided:
            return False
        if tensor.numel() == 0:
            return True
        storage = tensor.untyped_storage()
        if storage._cdata not in self._ids:
            self._sweep()
            size = tensor.element_size()
            memory = torch.full((storage.nbytes() // size,), FIXED, dtype=torch.int32)
            # The weak reference also keeps the address from being given to another storage.
            self._ids[storage._cdata] = (StorageWeakRef(storage), memory, size)
        view = self.read(tensor)
        if view is None:
            return False
        view.copy_(ids)
        return True

    def _sweep(self) -> None:
        if len(self._ids) < self._sweep_at:
            return
        self._ids = {key: entry for key, entry in self._ids.items() if not entry[0].expired()}
        self._sweep_at = 2 * len(self._ids) + 256


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
