"""GradientFlow: how much gradient each weight received, over the natural updates."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee


@dataclass(frozen=True, slots=True)
class Flow:
    """One weight with at least two axes, in the order in which the model holds it.

    Attributes:
        name: qualified by the user's own name of the model.
        model: that name.
        gradient: median over the updates of the root mean square of its gradient.
        built: where its layer was built.
    """

    name: str
    model: str
    gradient: float
    built: Location | None


@dataclass(frozen=True, slots=True)
class GradientFlow:
    """The weights that had a finite gradient in every update of an optimizer that holds them."""

    rows: tuple[Flow, ...]
    updates: int


@fact(Cost.TAPE)
def gradient_flow(trainee: Trainee) -> GradientFlow:
    """Read the norms that were taken before every step."""
    from torch import nn

    tape = trainee.tape
    norms: dict[int, list[float | None]] = {}
    for event in tape.of("step"):
        if event.who is None:
            continue
        groups = tape.optimizers[event.who].param_groups
        tensors = [p for group in groups for p in group["params"]]
        for tensor, norm in zip(tensors, event.details["norms"], strict=False):
            norms.setdefault(id(tensor), []).append(norm)
    rows = []
    for root in tape.roots:
        model = tape.names.get(id(root), type(root).__name__)
        for path, module in root.named_modules():
            if isinstance(module, nn.Embedding | nn.EmbeddingBag):
                continue  # only the rows that a batch uses have a gradient
            for name, tensor in module.named_parameters(recurse=False):
                seen = norms.pop(id(tensor), [])
                if 5 * seen.count(None) < len(seen):
                    # A closure computes the gradient inside of the step: the first has none before.
                    seen = [n for n in seen if n is not None]
                finite = [n for n in seen if n is not None and n == n and n != float("inf")]  # noqa: PLR0124 - NaN
                if tensor.dim() < 2 or not finite or len(finite) != len(seen):  # noqa: PLR2004 - biases and gains are scaled otherwise
                    continue
                birth = tape.births.get(id(module))
                rows.append(
                    Flow(
                        name=".".join(part for part in (model, path, name) if part),
                        model=model,
                        gradient=median(finite) / tensor.numel() ** 0.5,
                        built=birth.site.location() if birth and birth.site else None,
                    )
                )
    if not rows:
        raise AbsentFact("no weight had a gradient")
    return GradientFlow(tuple(rows), tape.updates)
