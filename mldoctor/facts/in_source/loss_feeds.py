"""What the source shows of the scores that a loss is given."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.ends import end
from mldoctor.source.module import Module, argument
from mldoctor.source.reach import origin

FUNCTIONS = {
    "torch.nn.functional.cross_entropy": "cross_entropy",
    "torch.nn.functional.nll_loss": "nll_loss",
    "torch.nn.functional.binary_cross_entropy_with_logits": "binary_cross_entropy_with_logits",
    "torch.nn.functional.kl_div": "kl_div",
}
CLASSES = {
    "torch.nn.CrossEntropyLoss": "cross_entropy",
    "torch.nn.NLLLoss": "nll_loss",
    "torch.nn.BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "torch.nn.KLDivLoss": "kl_div",
}


@dataclass(frozen=True, slots=True)
class Feed:
    """One call of a loss.

    Attributes:
        loss: as PyTorch names the function.
        end: the last operation on its input ("softmax", "sigmoid", "linear", ...).
        location: of the call; made: of the last operation.
    """

    loss: str
    end: str
    location: Location
    made: Location


@dataclass(frozen=True, slots=True)
class LossFeeds:
    """The calls whose input the source shows without doubt."""

    rows: tuple[Feed, ...]

    def by_maker(self) -> list[Feed]:
        """One call for each loss and each place that makes its input: they share one cure."""
        first: dict[tuple[str, Location], Feed] = {}
        for row in self.rows:
            first.setdefault((row.loss, row.made), row)
        return list(first.values())


@fact(Cost.SOURCE)
def loss_feeds(sources: Sources) -> LossFeeds:
    """Follow the input of every loss back to what makes it."""
    rows = []
    for module in sources.modules():
        for call in module.calls:
            loss = _loss(module, call)
            scores = argument(call, 0, "input") if loss else None
            found = end(module, scores) if scores is not None else None
            if found is not None:
                rows.append(
                    Feed(loss, found.kind, module.location(call), module.location(found.node))
                )
    return LossFeeds(tuple(dict.fromkeys(rows)))


def _loss(module: Module, call: ast.Call) -> str:
    """The loss that a call computes, "" where it is none or not known."""
    whole = module.full(call.func)
    if whole:
        return FUNCTIONS.get(whole, "")
    if isinstance(call.func, ast.Attribute) and not isinstance(call.func.value, ast.Name):
        return ""
    built = origin(module, call.func).node
    return CLASSES.get(module.full(built.func), "") if isinstance(built, ast.Call) else ""
