"""The autograd graph of a loss, read from the loss backwards."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

LIMIT = 200_000
"""Nodes walked at the most; the graph of a 100-layer network has some thousands."""

_SHAPE_ONLY = (
    "View", "Reshape", "UnsafeView", "Transpose", "Permute", "TBackward", "Squeeze", "Unsqueeze",
    "Slice", "Select", "Clone", "ToCopy", "Index", "Expand", "Alias", "AsStrided", "Unbind",
    "Split", "Narrow", "Cat", "Stack", "Contiguous",
)  # fmt: skip
_LAYERS = (
    "Addmm", "MmBackward", "Bmm", "Convolution", "Embedding", "LayerNorm", "BatchNorm", "Rnn",
    "Linear", "Baddbmm", "Attention", "AccumulateGrad", "RNN", "Mkldnn", "GroupNorm",
)  # fmt: skip
_OWN_NORMALISER = {
    "LogSoftmaxBackward": ("SoftmaxBackward", "SigmoidBackward"),
    "BinaryCrossEntropyWithLogitsBackward": ("SigmoidBackward", "SoftmaxBackward"),
}
_NICE = {
    "LogSoftmaxBackward": "log-softmax",
    "BinaryCrossEntropyWithLogitsBackward": "sigmoid of BCE-with-logits",
    "SoftmaxBackward": "softmax",
    "SigmoidBackward": "sigmoid",
}


@dataclass(frozen=True, slots=True)
class GraphSummary:
    """What the graph of one loss shows.

    Attributes:
        nodes: operations between the loss and the parameters.
        reached: ids of the tensors whose gradient this loss feeds.
        leaf: the loss itself is a leaf: it was re-made and hangs on nothing.
        normalised_twice: (normaliser inside the loss, normaliser that fed it).
    """

    nodes: int
    reached: frozenset[int]
    leaf: bool
    normalised_twice: tuple[tuple[str, str], ...]


def summary(loss: Tensor) -> GraphSummary:
    """Walk the graph that hangs on `loss`."""
    root = loss.grad_fn
    if root is None:
        reached = frozenset({id(loss)}) if loss.requires_grad else frozenset()
        return GraphSummary(0, reached, leaf=True, normalised_twice=())
    seen = {root}
    queue = deque([root])
    reached_ids: set[int] = set()
    while queue and len(seen) < LIMIT:
        node = queue.popleft()
        variable = getattr(node, "variable", None)
        if isinstance(variable, Tensor):
            reached_ids.add(id(variable))
        for parent, _ in node.next_functions:
            if parent is not None and parent not in seen:
                seen.add(parent)
                queue.append(parent)
    return GraphSummary(
        len(seen), frozenset(reached_ids), leaf=False, normalised_twice=_twice(root)
    )


def _twice(root: Any) -> tuple[tuple[str, str], ...]:
    """Pairs of normalisers of which one feeds the other with only changes of shape between."""
    found = []
    for node in loss_region(root):
        for outer, inner in _OWN_NORMALISER.items():
            if node.name().startswith(outer) and node.next_functions:
                source = _through_shapes(node.next_functions[0][0])
                name = source.name() if source is not None else ""
                for kind in inner:
                    if name.startswith(kind):
                        found.append((_NICE[outer], _NICE[kind]))
    return tuple(dict.fromkeys(found))


def picked_classes(root: Any) -> list[tuple[Tensor, Tensor]]:
    """(log-probabilities [batch, classes], class indices [batch]) of hand-written class losses.

    Such a loss takes one entry per row from a log-softmax, or from the logarithm of it, by `gather`
    or by indexing with a pair of index tensors.
    """
    found = []
    for node in loss_region(root):
        name = node.name()
        if name.startswith("GatherBackward"):
            index = node._saved_index
        elif name.startswith("IndexBackward"):
            given = [i for i in node._saved_indices if isinstance(i, Tensor)]
            index = given[-1] if len(given) > 1 else None
        else:
            continue
        if index is None or not node.next_functions:
            continue
        scores = _scores(node.next_functions[0][0])
        if scores is None and name.startswith("IndexBackward") and _is_range(given[0]):
            # Any formula may stand before the index; only the number of classes is known then.
            scores = index.new_zeros(tuple(node._saved_self_sym_sizes), dtype=torch.float32)
        if scores is None or scores.dim() != 2 or index.is_floating_point():  # noqa: PLR2004 - [batch, classes]
            continue
        if index.numel() == scores.shape[0] and index.dtype.itemsize > 1:
            found.append((scores.detach(), index.detach().reshape(-1)))
    return found


def _is_range(index: Tensor) -> bool:
    return bool(torch.equal(index.reshape(-1), torch.arange(index.numel(), device=index.device)))


def _scores(node: Any) -> Tensor | None:
    """The probabilities or log-probabilities that an operation picks from."""
    node = _through_shapes(node)
    if node is None:
        return None
    if node.name().startswith("LogBackward") and node.next_functions:
        node = _through_shapes(node.next_functions[0][0])
    if node is not None and node.name().startswith(("LogSoftmaxBackward", "SoftmaxBackward")):
        result: Tensor = node._saved_result
        return result
    return None


def loss_region(root: Any) -> list[Any]:
    """The operations between the loss and the first layer below it."""
    seen = {root}
    queue = deque([root])
    region = []
    while queue and len(seen) < 2000:  # noqa: PLR2004 - a loss is made of few operations
        node = queue.popleft()
        name = node.name().rsplit("::", 1)[-1]
        if name.startswith(_LAYERS):
            continue
        region.append(node)
        for parent, _ in node.next_functions:
            if parent is not None and parent not in seen:
                seen.add(parent)
                queue.append(parent)
    return region


def _through_shapes(node: Any) -> Any:
    for _ in range(32):
        if node is None or not node.name().startswith(_SHAPE_ONLY) or not node.next_functions:
            return node
        node = node.next_functions[0][0]
    return node
