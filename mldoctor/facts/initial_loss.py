"""InitialLoss: the first loss of each classifier, beside that of a model that knows nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import LossCall


@dataclass(frozen=True, slots=True)
class First:
    """The first call of one cross-entropy, before any update.

    Attributes:
        value: the loss; classes: scores in a row.
        spread: standard deviation of the scores.
        tied: the layer that makes the scores shares its weight with an embedding.
        layer: the weight that is largest for the number of its inputs, and by how much: its
            standard deviation times the root of its inputs, about 0.6 as PyTorch draws it.
        built: where that layer was built.
    """

    location: Location | None
    value: float
    classes: int
    spread: float
    tied: bool
    layer: str
    gain: float
    built: Location | None = None

    @property
    def uninformed(self) -> float:
        """The loss of equal scores for all classes."""
        return math.log(max(2, self.classes))


@dataclass(frozen=True, slots=True)
class InitialLoss:
    """Every line that computes a cross-entropy in the first update."""

    rows: tuple[First, ...]


@fact(Cost.TAPE)
def initial_loss(trainee: Trainee) -> InitialLoss:
    """Look at the calls before the first update."""
    if trainee.tape.earlier:
        raise AbsentFact("an earlier stage of the training has trained the model")
    seen: dict[object, LossCall] = {}
    for call in trainee.tape.openings:
        usable = call.function == "cross_entropy" and call.grad and call.update == 0
        if usable and call.value is not None and call.options.get("reduction", "mean") == "mean":
            seen.setdefault(call.site, call)
    if not seen:
        raise AbsentFact("no mean cross-entropy was computed before the first update")
    layer, gain, built = _widest(trainee)
    return InitialLoss(
        tuple(
            First(
                location=call.site.location() if call.site else None,
                value=call.value if call.value is not None else math.nan,
                classes=call.prediction.shape[1] if call.prediction.dim() > 1 else 2,
                spread=float(call.prediction.float().std()) if call.prediction.numel() > 1 else 0.0,
                tied=_tied(trainee, call),
                layer=layer,
                gain=gain,
                built=built,
            )
            for call in seen.values()
        )
    )


def _tied(trainee: Trainee, call: LossCall) -> bool:
    from torch import nn

    tables = {
        m.weight.data_ptr()
        for root in trainee.tape.roots
        for m in root.modules()
        if isinstance(m, nn.Embedding)
    }
    classes = call.prediction.shape[1] if call.prediction.dim() > 1 else 0
    return any(
        isinstance(m, nn.Embedding) and m.num_embeddings == classes
        for root in trainee.tape.roots
        for m in root.modules()
    ) or (call.head is not None and any(p.data_ptr() in tables for p in call.head.parameters()))


def _widest(trainee: Trainee) -> tuple[str, float, Location | None]:
    from torch import nn
    from torch.nn.modules.conv import _ConvNd

    best: tuple[str, float, Location | None] = ("", 0.0, None)
    for root in trainee.tape.roots:
        name = trainee.tape.names.get(id(root), type(root).__name__)
        for path, module in root.named_modules():
            if not isinstance(module, nn.Linear | _ConvNd):
                continue
            start = trainee.initial_value(module.weight)
            if start is None or start.numel() < 2:  # noqa: PLR2004 - a spread takes two
                continue
            gain = float(start.float().std()) * (start.numel() / start.shape[0]) ** 0.5
            if gain > best[1]:
                birth = trainee.tape.births.get(id(module))
                built = birth.site.location() if birth and birth.site else None
                best = (f"{name}.{path}.weight", gain, built)
    return best
