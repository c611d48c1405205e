"""Layers that compute something else in train mode than in eval mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

if TYPE_CHECKING:
    from collections.abc import Iterator


def dependent(root: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Each such layer with a text that names it: `blocks.0.drop Dropout p=0.1`."""
    for name, module in root.named_modules():
        kind = type(module).__name__
        if isinstance(module, _DropoutNd):
            if module.p:
                yield f"{name} {kind} p={module.p:g}".strip(), module
        elif isinstance(module, nn.RNNBase):
            if module.dropout and module.num_layers > 1:
                yield f"{name} {kind} dropout={module.dropout:g}".strip(), module
        elif isinstance(module, nn.MultiheadAttention):
            if module.dropout:
                yield f"{name} {kind} dropout={module.dropout:g}".strip(), module
        elif isinstance(module, _BatchNorm) and module.track_running_stats:
            yield f"{name} {kind}".strip(), module


def active(root: nn.Module) -> bool:
    """Whether any of them is in train mode."""
    return any(module.training for _, module in dependent(root))
