"""TiedWeights: pairs of token embedding and output layer that were meant to be one tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor, nn

MOST_ROWS = 0.5
"""Share of equal rows that does not come about by chance, and that a longer table keeps."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An embedding and a linear layer of the same shape in one model.

    Attributes:
        shared: they are one tensor.
        declared: the model's configuration says that they are tied (`tie_word_embeddings`).
        copied: before the first update most of their rows were equal to the last bit: of tables that
            were one and were made longer, only the new rows differ.
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
                    copied=_copied(*before),
                    apart=float((one.detach() - other.detach()).abs().max()),
                    built=birth.site.location() if birth and birth.site else None,
                    tied=_tied(trainee, table, layer),
                )
            )
    return found


def _copied(one: Tensor | None, other: Tensor | None) -> bool:
    """Whether most rows are copies; rows of one value, as padding has, do not count."""
    if one is None or other is None or one.dim() != 2:  # noqa: PLR2004 - [words, features]
        return False
    drawn = (one != one[:, :1]).any(1)
    return bool(drawn.any()) and bool((one == other).all(1)[drawn].float().mean() > MOST_ROWS)


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
