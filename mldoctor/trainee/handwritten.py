"""Losses that a script writes out itself: found again in the graph of what is back-propagated.

Autograd keeps the parts of most of them (a log-softmax and an index, a logarithm and its factor). It
does not keep the operands of a difference, so that these are noted as the script subtracts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mldoctor.trainee.graph import loss_region, through_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mldoctor.trainee.sites import Site

KEY = "mldoctor.difference"
"""Where the operands of a difference are kept: in the metadata of its node, and as long as that."""

MOST_ELEMENTS = 2**22
"""Larger differences are not noted: they would keep their operands alive for the backward."""


@dataclass(frozen=True, slots=True)
class Written:
    """One loss that was written out.

    Attributes:
        function: the loss of torch that does the same.
        prediction, target: as that one would get them.
        site: the line of the script, None where only the backward is known.
        node: the operation that turns chances into the loss, where its sign says something.
    """

    function: str
    prediction: Tensor
    target: Tensor
    site: Site | None = None
    node: Any = None


def written(root: Any) -> list[Written]:
    """Every written-out loss between a back-propagated value and the first layer below it."""
    region = loss_region(root)
    return [*_picked_classes(region), *_weighted_logarithms(region), *_differences(region)]


def note_difference(left: Any, right: Any, result: Any, site: Site | None) -> None:
    """Keep the operands of a difference of which exactly one has a gradient."""
    prediction, target = (left, right) if left.requires_grad else (right, left)
    if result.grad_fn is None or result.numel() > MOST_ELEMENTS or target.dim() == 0:
        return
    if _every_pair(prediction, target, result):
        return
    result.grad_fn.metadata[KEY] = (prediction.detach(), target.detach(), site)


def _every_pair(prediction: Tensor, target: Tensor, result: Tensor) -> bool:
    """Whether each prediction is compared with each target on purpose: a kernel, a distance matrix.

    Then both were given an axis for it: they have as many axes as each other, or the prediction comes
    straight from `unsqueeze` or `[:, None]`.
    """
    if result.numel() <= max(prediction.numel(), target.numel()):
        return False
    spread = prediction.grad_fn is not None and prediction.grad_fn.name().startswith("Unsqueeze")
    return spread or prediction.dim() == target.dim()


def _differences(region: list[Any]) -> Iterator[Written]:
    """Squared and absolute errors, and differences of other use between shapes that do not fit."""
    told = set()
    for node in region:
        name = node.name().rsplit("::", 1)[-1]
        parents = [parent for parent, _ in node.next_functions]
        if name.startswith("PowBackward0"):
            square = node._saved_exponent == 2  # noqa: PLR2004 - a square
        else:
            twice = len(parents) == 2 and parents[0] is parents[1]  # noqa: PLR2004 - its factors
            square = name.startswith("LinalgVectorNorm") or (
                name.startswith("MulBackward") and twice
            )
        if not (square or name.startswith("AbsBackward")) or not parents:
            continue
        below = through_shapes(parents[0])
        kept = below.metadata.get(KEY) if below is not None else None
        if kept is not None:
            told.add(below)
            yield Written("mse_loss" if square else "l1_loss", *kept)
    for node in region:
        kept = node.metadata.get(KEY)
        if kept is not None and node not in told and _mismatched(*kept[:2]):
            yield Written("l1_loss", *kept)  # whatever is made of it, it is of every pair


def _mismatched(prediction: Tensor, target: Tensor) -> bool:
    """Whether as many predictions as targets were compared each with each."""
    return (
        prediction.shape != target.shape
        and prediction.numel() == target.numel()
        and torch.broadcast_shapes(prediction.shape, target.shape).numel() > prediction.numel()  # type: ignore[no-untyped-call]
    )


def _weighted_logarithms(region: list[Any]) -> Iterator[Written]:
    """Cross-entropies with a distribution over classes, or with the chance of one, as target."""
    for node in region:
        if not node.name().startswith("MulBackward"):
            continue
        factors = list(zip(node.next_functions, ("_saved_other", "_saved_self"), strict=False))
        mine = [(through_shapes(p), saved) for (p, _), saved in factors if p is not None]
        if len(mine) != 1:
            continue
        source, saved = mine[0]
        target = getattr(node, saved)
        if not isinstance(target, Tensor) or not target.is_floating_point():
            continue
        logarithms = _scores(source)
        if logarithms is not None:
            whole = target.shape == logarithms.shape and target.dim() == 2  # noqa: PLR2004 - [batch, classes]
            if whole and torch.allclose(target.sum(1), target.new_ones(()), atol=1e-3):
                yield Written("cross_entropy", logarithms.detach(), target.detach())
        elif source is not None and source.name().startswith("LogBackward"):
            chances = source._saved_self
            below = _unguarded(source.next_functions[0][0])
            sound = bool(((target >= 0) & (target <= 1)).all())
            if below is not None and below.name().startswith("SigmoidBackward") and sound:
                yield Written("binary_cross_entropy", chances.detach(), target.detach())


def _unguarded(node: Any) -> Any:
    """The operation below a small number that was added, or a clamp."""
    node = through_shapes(node)
    while node is not None and node.name().startswith(("AddBackward", "ClampBackward")):
        node = through_shapes(node.next_functions[0][0])
    return node


def _picked_classes(region: list[Any]) -> Iterator[Written]:
    """Negative log-likelihoods, of log-probabilities `[batch, classes]` and class indices `[batch]`.

    They take one entry per row from a log-softmax, or from the logarithm of it, by `gather` or by
    indexing with a pair of index tensors. The node is the one that picks, None where what it picks
    from is no probability.
    """
    for node in region:
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
        certain = scores is not None
        if scores is None and name.startswith("IndexBackward") and _is_range(given[0]):
            # Any formula may stand before the index; only the number of classes is known then.
            scores = index.new_zeros(tuple(node._saved_self_sym_sizes), dtype=torch.float32)
        if scores is None or scores.dim() != 2 or index.is_floating_point():  # noqa: PLR2004 - [batch, classes]
            continue
        if index.numel() == scores.shape[0] and index.dtype.itemsize > 1:
            picked = index.detach().reshape(-1)
            yield Written("nll_loss", scores.detach(), picked, node=node if certain else None)


def _is_range(index: Tensor) -> bool:
    return bool(torch.equal(index.reshape(-1), torch.arange(index.numel(), device=index.device)))


def _scores(node: Any) -> Tensor | None:
    """The probabilities or log-probabilities that an operation picks from."""
    node = through_shapes(node)
    if node is None:
        return None
    if node.name().startswith("LogBackward") and node.next_functions:
        node = through_shapes(node.next_functions[0][0])
    if node is not None and node.name().startswith(("LogSoftmaxBackward", "SoftmaxBackward")):
        result: Tensor = node._saved_result
        return result
    return None
