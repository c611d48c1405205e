"""The autograd graph of a loss, read from the loss backwards."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mldoctor.trainee import picked_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

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


_ORIGINS = {
    "LogSoftmaxBackward": "log-softmax",
    "LogSigmoidBackward": "log-sigmoid",
    "SoftmaxBackward": "softmax",
    "SigmoidBackward": "sigmoid",
}
_STAIRS = ("Round", "Sign", "Floor", "Ceil", "Trunc", "Heaviside")
"""Operations of autograd whose gradient is zero everywhere."""


@dataclass(frozen=True, slots=True)
class GraphSummary:
    """What the graph of one loss shows.

    Attributes:
        nodes: operations between the loss and the parameters.
        reached: ids of the tensors whose gradient this loss feeds.
        leaf: the loss itself is a leaf: it was re-made and hangs on nothing.
        normalised_twice: (normaliser inside the loss, normaliser that fed it).
        stairs: operations between the loss and the first layer whose gradient is zero everywhere.
        uses_output: the graph holds an output of a model, or an activation behind it; None when no
            model gave an output with a gradient.
        picked: how many rows the answer of a model has, and those of them that the loss takes.
    """

    nodes: int
    reached: frozenset[int]
    leaf: bool
    normalised_twice: tuple[tuple[str, str], ...]
    stairs: tuple[str, ...] = ()
    uses_output: bool | None = None
    picked: tuple[int, Tensor] | None = None


def summary(loss: Tensor, outputs: Collection[Any] = ()) -> GraphSummary:
    """Walk the graph that hangs on `loss`; `outputs` are the nodes of what the models returned."""
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
        len(seen),
        frozenset(reached_ids),
        leaf=False,
        normalised_twice=_twice(root),
        stairs=_stairs(root),
        uses_output=_shared(seen, outputs) if outputs else None,
        picked=picked_rows.picked(root, outputs, _LAYERS) if outputs else None,
    )


def _shared(seen: set[Any], outputs: Collection[Any]) -> bool:
    """Whether a graph holds an output, or something it was computed from besides the weights.

    The graph of a derivative (forces, a gradient penalty) leaves out the output itself.
    """
    if not seen.isdisjoint(outputs):
        return True
    queue = deque(outputs)
    known = set(queue)
    while queue and len(known) < LIMIT:
        for parent, _ in queue.popleft().next_functions:
            if parent is None or parent in known or parent.name().endswith("AccumulateGrad"):
                continue
            if parent in seen:
                return True
            known.add(parent)
            queue.append(parent)
    return False


def origin(prediction: Tensor) -> str:
    """The operation that made a prediction: see `LossCall.origin`."""
    if prediction.grad_fn is None:
        return ""
    node = through_shapes(prediction.grad_fn)
    name = node.name().rsplit("::", 1)[-1] if node is not None else ""
    if name.startswith("AddBackward") and _adds_layers(node):
        return "layer"
    if name.startswith(_LAYERS):
        return "" if name.startswith("AccumulateGrad") else "layer"
    return next((nice for start, nice in _ORIGINS.items() if name.startswith(start)), name)


def classes_reshaped(prediction: Tensor) -> bool:
    """Whether `[batch, ..., classes]` of a linear layer was read as `[batch, classes, ...]`.

    A transpose moves the axis; a view or reshape to the same sizes mixes classes and positions.
    """
    node, source = prediction.grad_fn, None
    while node is not None and node.name().startswith(("View", "Reshape", "UnsafeView")):
        sizes = tuple(getattr(node, "_saved_self_sym_sizes", ()))
        source, node = sizes or source, node.next_functions[0][0] if node.next_functions else None
        if sizes and len(sizes) > 2 and sizes[-1] == prediction.shape[1:2].numel():  # noqa: PLR2004 - batch, positions, classes
            break
    shape = tuple(prediction.shape)
    if source is None or len(source) < 3 or len(shape) < 3:  # noqa: PLR2004 - as above
        return False
    moved = source[0] == shape[0] and source[-1] == shape[1] and source != shape
    below = through_shapes(node)
    linear = below is not None and below.name().startswith(("Addmm", "Mm", "Bmm", "AddBackward"))
    return moved and shape[1] > 1 and linear and all(int(size) > 1 for size in source[1:-1])


def steps_reshaped(prediction: Tensor) -> bool:
    """Whether `[batch, time, classes]` was read as `[time, batch, classes]` on the way to a loss.

    A transpose exchanges the axes; a view or reshape to the same sizes cuts the samples to pieces.
    """
    steps, samples, *rest = prediction.shape if prediction.dim() == 3 else (1, 1)  # noqa: PLR2004 - time, batch, classes
    if steps == samples or min(steps, samples) < 2:  # noqa: PLR2004 - nothing to exchange
        return False
    node = prediction.grad_fn
    while node is not None and node.name().startswith((*_SHAPE_ONLY, "LogSoftmaxBackward")):
        if node.name().startswith(("View", "Reshape", "UnsafeView")):
            sizes = tuple(getattr(node, "_saved_self_sym_sizes", ()))
            if sizes == (samples, steps, *rest):
                return True
        node = node.next_functions[0][0] if node.next_functions else None
    return False


def _adds_layers(node: Any, depth: int = 4) -> bool:
    """Whether a sum is one of layers and weights only, at least one of them a layer.

    A linear layer over more than two axes multiplies first and adds its bias in an operation of its own.
    """
    layers = 0
    for parent, _ in node.next_functions:
        below = through_shapes(parent)
        name = below.name().rsplit("::", 1)[-1] if below is not None else "AccumulateGrad"
        if name.startswith("AddBackward") and depth:
            if not _adds_layers(below, depth - 1):
                return False
            layers += 1
        elif name.startswith(_LAYERS):
            layers += not name.startswith("AccumulateGrad")
        else:
            return False
    return layers > 0


def _stairs(root: Any) -> tuple[str, ...]:
    names = (node.name().rsplit("::", 1)[-1].split("Backward")[0] for node in loss_region(root))
    return tuple(dict.fromkeys(name.lower() for name in names if name in _STAIRS))


def _twice(root: Any) -> tuple[tuple[str, str], ...]:
    """Pairs of normalisers of which one feeds the other with only changes of shape between."""
    found = []
    for node in loss_region(root):
        for outer, inner in _OWN_NORMALISER.items():
            if node.name().startswith(outer) and node.next_functions:
                source = through_shapes(node.next_functions[0][0])
                name = source.name() if source is not None else ""
                for kind in inner:
                    if name.startswith(kind):
                        found.append((_NICE[outer], _NICE[kind]))
    return tuple(dict.fromkeys(found))


def singular(loss: Tensor) -> tuple[str, int] | None:
    """The first operation of the loss that stands where it has no finite value or gradient.

    It comes with the number of entries there.
    """
    if loss.grad_fn is None:
        return None
    for node in loss_region(loss.grad_fn):
        name = node.name().rsplit("::", 1)[-1].split("Backward")[0]
        if name in _SINGULAR:
            saved, at = _SINGULAR[name]
            try:
                value, exponent = getattr(node, saved), getattr(node, "_saved_exponent", 0.0)
            except (AttributeError, RuntimeError):
                continue  # released, or not saved because nothing needs it
            if not isinstance(value, Tensor) or not isinstance(exponent, int | float):
                continue
            if name == "Pow" and (exponent >= 1 or exponent == 0):
                continue
            found = int(at(value).sum())
            if found:
                return _OPERATIONS.get(name, name.lower()), found
    return None


_SINGULAR: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
    "Log": ("_saved_self", lambda x: x <= 0),
    "Log2": ("_saved_self", lambda x: x <= 0),
    "Log10": ("_saved_self", lambda x: x <= 0),
    "Log1P": ("_saved_self", lambda x: x <= -1),
    "Sqrt": ("_saved_result", lambda x: x == 0),
    "Rsqrt": ("_saved_result", lambda x: x.isinf()),
    "Reciprocal": ("_saved_result", lambda x: x.isinf()),
    "Pow": ("_saved_self", lambda x: x == 0),
    "Div": ("_saved_other", lambda x: x == 0),
    "Acos": ("_saved_self", lambda x: x.abs() >= 1),
    "Asin": ("_saved_self", lambda x: x.abs() >= 1),
    "Atanh": ("_saved_self", lambda x: x.abs() >= 1),
}
"""For each operation: what autograd saved of it, and where that has no finite gradient."""

_OPERATIONS = {"Div": "division", "Sqrt": "square root", "Log": "logarithm", "Pow": "power"}


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


def through_shapes(node: Any) -> Any:
    """The operation below the changes of shape that a node begins with."""
    for _ in range(32):
        if node is None or not node.name().startswith(_SHAPE_ONLY) or not node.next_functions:
            return node
        node = node.next_functions[0][0]
    return node
