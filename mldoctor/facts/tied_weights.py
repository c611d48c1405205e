"""TiedWeights: pairs of token embedding and output layer that were meant to be one tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Pair:
    """An embedding and a linear layer of the same shape in one model.

    Attributes:
        shared: they are one tensor.
        declared: the model's configuration says that they are tied (`tie_word_embeddings`).
        copied: they were equal to the last bit before the first update.
        tied: the script has given both one tensor at some time, and where.
        apart: largest difference between them now; 0 where they are still equal.
    """

    embedding: str
    output: str
    shared: bool
    declared: bool
    copied: bool
    apart: float
    built: Location | None
    tied: Location | None = None


@dataclass(frozen=True, slots=True)
class TiedWeights:
    """Every such pair."""

    pairs: tuple[Pair, ...]


@fact(Cost.TAPE)
def tied_weights(trainee: Trainee) -> TiedWeights:
    """Compare each embedding with the linear layers of its shape."""
    pairs = [
        pair
        for root in trainee.tape.roots
        for pair in _pairs(trainee, root, trainee.tape.names.get(id(root), type(root).__name__))
    ]
    if not pairs:
        raise AbsentFact("no output layer has the shape of an embedding")
    return TiedWeights(tuple(pairs))


def _pairs(trainee: Trainee, root: nn.Module, name: str) -> list[Pair]:
    import torch
    from torch import nn

    tables = [(p, m) for p, m in root.named_modules() if isinstance(m, nn.Embedding)]
    layers = [(p, m) for p, m in root.named_modules() if isinstance(m, nn.Linear)]
    found = []
    for table_path, table in tables:
        for layer_path, layer in layers:
            one, other = table.weight, layer.weight
            if one.shape != other.shape:
                continue
            before = trainee.initial_value(one), trainee.initial_value(other)
            birth = trainee.tape.births.get(id(layer))
            found.append(
                Pair(
                    embedding=f"{name}.{table_path}".rstrip("."),
                    output=f"{name}.{layer_path}".rstrip("."),
                    shared=one is other or one.data_ptr() == other.data_ptr(),
                    declared=_declared(root, table, layer),
                    copied=before[0] is not None
                    and before[1] is not None
                    and torch.equal(before[0], before[1]),
                    apart=float((one.detach() - other.detach()).abs().max()),
                    built=birth.site.location() if birth and birth.site else None,
                    tied=_tied(trainee, table, layer),
                )
            )
    return found


def _tied(trainee: Trainee, table: nn.Module, layer: nn.Module) -> Location | None:
    """The line that gave both modules one tensor."""
    for tie in trainee.tape.ties:
        first, second = tie.first(), tie.second()
        both = (first is table and second is layer) or (first is layer and second is table)
        if both and tie.site is not None:
            return tie.site.location()
    return None


def _declared(root: nn.Module, table: nn.Module, layer: nn.Module) -> bool:
    """Whether a transformers model around the two says that they are one."""
    for module in root.modules():
        wanted = getattr(getattr(module, "config", None), "tie_word_embeddings", False)
        output = getattr(module, "get_output_embeddings", None)
        if wanted is True and callable(output) and output() is layer:
            return bool(module.get_input_embeddings() is table)  # type: ignore[operator]
    return False
