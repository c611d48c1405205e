"""How much of past graphs is still alive: what a loop that keeps losses or states holds on to."""

from __future__ import annotations

import gc
from collections import deque
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable

MOMENTS = (4, 11)
"""Updates after which the graphs are counted: both lie before the doctor ends the first epoch."""

LIMIT = 400_000
"""Nodes counted at the most."""


def alive() -> int:
    """How many operations hang on the tensors that exist."""
    tensors = (found for found in gc.get_objects() if issubclass(type(found), Tensor))
    return size(node for node in map(_node, tensors) if node is not None)


def _node(tensor: Tensor) -> Any:
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None  # a view that autograd has forbidden


def size(roots: Iterable[Any]) -> int:
    """How many operations there are in the graphs below these nodes."""
    seen = set(roots)
    queue = deque(seen)
    while queue and len(seen) < LIMIT:
        for parent, _ in queue.popleft().next_functions:
            if parent is not None and parent not in seen:
                seen.add(parent)
                queue.append(parent)
    return len(seen)
