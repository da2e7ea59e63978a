"""Run models for a measurement and leave no trace in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(*models: nn.Module) -> Iterator[None]:
    """Inside: eval mode. Afterwards: every module's mode, every buffer and torch's random state are as before."""
    modules = [module for model in models for module in model.modules()]
    modes = [(module, module.training) for module in modules]
    # A forward may write into a buffer or put another in its place, so both the object and its content are kept.
    buffers = [
        (module, name, buffer, None if buffer is None else buffer.clone())
        for module in modules
        for name, buffer in module._buffers.items()
    ]
    gpus = sorted({p.device.index for model in models for p in model.parameters() if p.is_cuda})
    try:
        with torch.random.fork_rng(devices=gpus):
            for model in models:
                model.eval()
            yield
    finally:
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            for module, name, buffer, content in buffers:
                module._buffers[name] = buffer
                # Only where it differs: a buffer that is an expanded view cannot be written to.
                if buffer is not None and content is not None and not torch.equal(buffer, content):
                    buffer.copy_(content)
