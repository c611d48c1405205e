"""PackedDocuments: does a document of a packed row change what the model says of the next one?

A row is packed where the batch says which document each token belongs to: by ids of documents, or by
positions that start again at zero. The recorded call is repeated in eval mode with tokens inside of
the first document exchanged for others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts import recorded_calls
from mldoctor.facts.recorded_calls import Outcome, repeat
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import RootCall

    Path = tuple[Any, ...]

NAMES = ("doc", "pack", "seq_id", "sequence_id", "sample_id", "example_id", "seq_idx")
"""What packing libraries call the ids of documents (`document_ids`, `seq_idx` of FlashAttention)."""

OTHERS = ("type", "label", "target", "tag", "speaker", "turn", "sentence", "sent_")
"""Ids over a sequence that separate parts which are meant to see each other."""

SHORTEST = 4
"""Tokens of a document, of which the first and the last are left alone: they may mark its borders."""


@dataclass(frozen=True, slots=True)
class PackedModel:
    """One model that is given packed rows.

    Attributes:
        told_by: the part of the batch that tells the documents apart; `given`: the model gets it.
        resets: it holds positions that start again.
        documents: most documents in a row.
        later: largest change of the output at tokens of later documents, relative to that inside of
            the document that was changed; None where no output belongs to each token.
        moved: share of the later tokens whose output changed.
    """

    name: str
    site: Location | None
    built: Location | None
    told_by: str
    given: bool
    resets: bool
    documents: int
    later: float | None
    moved: float


@dataclass(frozen=True, slots=True)
class PackedDocuments:
    """Every trained model that is given packed rows."""

    models: tuple[PackedModel, ...]


@fact(Cost.FORWARDS)
def packed_documents(trainee: Trainee) -> PackedDocuments:
    """Exchange tokens of each row's first document."""
    tape = trainee.tape
    rows = []
    for call in recorded_calls.trained_calls(tape):
        found = _examine(trainee, call)
        if found is not None:
            rows.append(found)
    if not rows:
        raise AbsentFact("no batch says which document its tokens belong to")
    return PackedDocuments(tuple(rows))


def _examine(trainee: Trainee, call: RootCall) -> PackedModel | None:
    tape = trainee.tape
    tokens = _tokens(call)
    if tokens is None:
        return None
    place, ids = tokens
    told = _documents(trainee, call, place, ids)
    if told is None:
        return None
    name, given, resets, documents = told
    later, moved = _later(call, place, ids, documents)
    birth = tape.births.get(id(call.module))
    return PackedModel(
        name=tape.names.get(id(call.module), type(call.module).__name__),
        site=call.site.location() if call.site else None,
        built=birth.site.location() if birth and birth.site else None,
        told_by=name,
        given=given,
        resets=resets,
        documents=int(documents.max()) + 1,
        later=later,
        moved=moved,
    )


def _tokens(call: RootCall) -> tuple[Path, Tensor] | None:
    """The one argument that holds token ids [batch, time]."""
    found = [
        (path, tensor)
        for path, tensor in recorded_calls.given(call).items()
        if not tensor.is_floating_point()
        and tensor.dim() == 2  # noqa: PLR2004 - [batch, time]
        and tensor.shape[1] >= 2 * SHORTEST
        and _restarts(tensor) is None
        and not _says(recorded_calls.parameter_of(call, path)[0], ("mask", *NAMES, *OTHERS))
        and int(tensor.max()) > 1
    ]
    return found[0] if len(found) == 1 else None


def _documents(
    trainee: Trainee, call: RootCall, place: Path, ids: Tensor
) -> tuple[str, bool, bool, Tensor] | None:
    """What tells the documents apart: its name, whether the model gets it, and each token's number."""
    from torch import Tensor

    from mldoctor.trainee.batches import leaves

    arguments = {
        recorded_calls.parameter_of(call, path)[0]: tensor
        for path, tensor in recorded_calls.given(call).items()
        if path != place
    }
    parts: dict[str, Tensor] = {}
    for batch in reversed(trainee.latest_batches()):
        held = {str(p[-1]) if p else "": v for p, v in leaves(batch) if isinstance(v, Tensor)}
        if any(
            v.shape == ids.shape and bool((v.to(ids.device) == ids).all()) for v in held.values()
        ):
            parts = {name: v.to(ids.device) for name, v in held.items() if v.shape == ids.shape}
            break
    for given, held in ((True, arguments), (False, parts)):
        for name, tensor in held.items():
            if tensor.shape != ids.shape or tensor.is_floating_point():
                continue
            restarts = _restarts(tensor)
            if restarts is not None:
                return name, given, True, restarts
            masks = "mask" in name.lower() and int(tensor.max()) > 1
            numbered = _numbered(tensor) if masks or _says(name, NAMES) else None
            if numbered is not None:
                return name, given, False, numbered
    return None


def _says(name: str, words: tuple[str, ...]) -> bool:
    return any(word in name.lower() for word in words)


def _restarts(positions: Tensor) -> Tensor | None:
    """The number of each token's document, where a row counts from zero and then again."""
    starts = positions == 0
    counts = (positions[:, 1:] == positions[:, :-1] + 1) | starts[:, 1:]
    if not bool(counts.all()) or not bool(starts[:, 0].all()):
        return None
    number = starts.long().cumsum(1) - 1
    # A padded tail of zeros makes documents of one token each; a restart counts from 0 to at least 3.
    lengths = _lengths(number)
    return number if bool((lengths >= SHORTEST).sum(1).max() > 1) else None


def _numbered(ids: Tensor) -> Tensor | None:
    """The number of each token's document, where ids of documents follow each other."""
    changes = ids[:, 1:] != ids[:, :-1]
    number = changes.new_zeros(ids.shape).long()
    number[:, 1:] = changes.long().cumsum(1)
    back = any(len(row.unique()) != int(n.max()) + 1 for row, n in zip(ids, number, strict=True))
    lengths = _lengths(number)
    return None if back or bool((lengths >= SHORTEST).sum(1).max() < 2) else number  # noqa: PLR2004 - two documents


def _lengths(number: Tensor) -> Tensor:
    """Tokens of each document [batch, documents]."""
    from torch.nn import functional

    return functional.one_hot(number).sum(1)


def _later(
    call: RootCall, place: Path, ids: Tensor, documents: Tensor
) -> tuple[float | None, float]:
    """How far the outputs of later documents move when the first one is changed."""
    import torch

    changed = _inside(documents)
    if not bool(changed.any()):
        return None, 0.0
    generator = torch.Generator().manual_seed(0)
    pool = ids[_interior(documents)]
    drawn = pool[
        torch.randint(len(pool), (int(changed.sum()),), generator=generator).to(ids.device)
    ]

    def exchange(path: Path, tensor: Tensor) -> Tensor:
        if path == place:
            tensor[changed] = drawn.to(tensor.dtype)
        return tensor

    base, other = repeat(call), repeat(call, exchange)
    if base is None or other is None or not base.same_shapes(other) or not base.finite():
        return None, 0.0
    later = (documents > 0) & changed.any(1, keepdim=True) & _written(ids, documents)
    return _moved(base, other, changed, later) if bool(later.any()) else (None, 0.0)


def _written(ids: Tensor, documents: Tensor) -> Tensor:
    """Tokens of documents that hold more than one different token: the others are padding."""
    from torch.nn import functional

    differs = documents.new_zeros(documents.shape)
    same = documents[:, 1:] == documents[:, :-1]
    differs[:, 1:] = (same & (ids[:, 1:] != ids[:, :-1])).long()
    by_document = (functional.one_hot(documents) * differs[:, :, None]).sum(1)
    return by_document.gather(1, documents) > 0


def _interior(documents: Tensor) -> Tensor:
    """Tokens that are neither the first nor the last of their document."""
    same = documents[:, 1:] == documents[:, :-1]
    inside = same.new_zeros(documents.shape)
    inside[:, 1:-1] = same[:, :-1] & same[:, 1:]
    return inside


def _inside(documents: Tensor) -> Tensor:
    """The interior of the first document of each row that has another one behind it."""
    several = documents.amax(1, keepdim=True) > 0
    return _interior(documents) & (documents == 0) & several


def _moved(
    base: Outcome, other: Outcome, changed: Tensor, later: Tensor
) -> tuple[float | None, float]:
    largest, share = None, 0.0
    for path, tensor in base.tensors.items():
        if tensor.dim() != 3 or tensor.shape[:2] != changed.shape:  # noqa: PLR2004 - [batch, time, features]
            continue
        by_token = (other.tensors[path] - tensor).abs().amax(2)
        own = float(by_token[changed].max())
        if own > 0:
            largest = max(largest or 0.0, float(by_token[later].max()) / own)
            share = max(share, float((by_token[later] > 1e-3 * own).float().mean()))
    return largest, share
