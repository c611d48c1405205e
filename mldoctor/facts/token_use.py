"""TokenUse: the ids that reach the embeddings, and the padding among them."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from mldoctor.trainee.contents import Contents
    from mldoctor.trainee.sites import Site
    from mldoctor.trainee.tape import RootCall


EACH_TOKEN = 0.5
"""Targets for each token given: labels of next tokens leave out the first one, or a prompt."""


MOST_INSIDE = 0.3
"""An id that makes up more than this share between other ids is a common token, and no padding."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One embedding and the ids it is given.

    Attributes:
        embedding: its path; rows: its size; padding: its padding index; its line.
        built: where the embedding was built; site: where its model is called.
        positions: it is given 0, 1, 2, ... in every row.
        highest, lowest: ids that reached it in the latest training batch.
        part: the part of a batch that it is given, "" where that is not a part of a batch.
        sampled: samples whose ids were read from the dataset; total: samples in it.
        sample_highest, sample_lowest: ids among those; beyond: samples with an id it has no row for,
            and up to 20 of their indices.
        crashed: the forward raised at it.
        pad: the id that fills the ends of the rows in the batches, None where rows are not filled.
        pad_by_mask: a mask says that it is padding.
        pad_share: share of the ids in the latest batches that are padding; batches: how many.
        pad_inside: share of the ids inside of samples, before their last real one, that equal it.
        commonest: the id that occurs most among the real ones, and its share.
        different: different ids among the real ones.
        full: share of the samples as long as the longest; lengths: different lengths below that.
        longest: length of those.
        labelled: a loss has a target for (almost) every token: what is cut off is no loss of input.
    """

    embedding: str
    rows: int
    padding: int | None
    built: Location | None
    site: Location | None
    positions: bool
    lowest: int
    highest: int
    part: str
    sampled: int
    total: int | None
    sample_lowest: int
    sample_highest: int
    beyond: int
    beyond_index: tuple[int, ...]
    crashed: bool
    pad: int | None
    pad_by_mask: bool
    pad_share: float
    batches: int
    pad_inside: float
    commonest: int
    commonest_share: float
    different: int
    full: float
    lengths: int
    longest: int
    labelled: bool = False


@dataclass(frozen=True, slots=True)
class TokenUse:
    """Every embedding of the models that the loop calls."""

    embeddings: tuple[Tokens, ...]


@dataclass(slots=True)
class _Entering:
    path: str
    module: nn.Embedding
    ids: Tensor
    raised: bool = False


@fact(Cost.FORWARDS)
def token_use(trainee: Trainee) -> TokenUse:
    """Repeat the latest calls, watch the embeddings, and follow their ids to the dataset."""
    tape = trainee.tape
    rows = []
    for index, call in tape.root_calls.items():
        name = tape.names.get(id(tape.roots[index]), type(tape.roots[index]).__name__)
        for entering in _entering(call):
            rows.append(_tokens(trainee, call.site, name, entering))
    rows += _raised(trainee)
    if not rows:
        raise AbsentFact("no model with an embedding was called")
    return TokenUse(tuple(rows))


def _entering(call: RootCall) -> list[_Entering]:
    import torch
    from torch import nn

    from mldoctor.trainee.quiet import quiet

    found: dict[str, _Entering] = {}
    latest: list[_Entering] = []

    def watch(path: str, module: nn.Embedding) -> Any:
        def enter(_module: nn.Module, args: Any) -> None:
            if args and isinstance(args[0], torch.Tensor) and args[0].numel():
                found[path] = _Entering(path, module, args[0].detach().cpu())
                latest[:] = [found[path]]

        return enter

    def leave(_module: nn.Module, _args: Any, _output: Any) -> None:
        latest.clear()

    with quiet(call.module), torch.no_grad(), contextlib.ExitStack() as stack:
        for path, module in call.module.named_modules():
            if isinstance(module, nn.Embedding):
                stack.callback(module.register_forward_pre_hook(watch(path, module)).remove)
                stack.callback(module.register_forward_hook(leave).remove)
        try:
            call.module(*call.args, **call.kwargs)
        except (IndexError, RuntimeError, AssertionError):
            for entering in latest:
                entering.raised = True
    return list(found.values())


def _raised(trainee: Trainee) -> list[Tokens]:
    """The embedding that ended the script: its call stands in the frames of the error."""
    import torch
    from torch import nn

    error = getattr(getattr(trainee, "ending", None), "error", None)
    trace = getattr(error, "__traceback__", None)
    found: _Entering | None = None
    while trace is not None:
        held = trace.tb_frame.f_locals
        module, ids = held.get("self"), held.get("input")
        if isinstance(module, nn.Embedding) and isinstance(ids, torch.Tensor) and ids.numel():
            found = _Entering("", module, ids.detach().cpu(), raised=True)
        trace = trace.tb_next
    if found is None:
        return []
    for root in trainee.tape.roots:
        for path, module in root.named_modules():
            if module is found.module:
                found.path = path
                name = trainee.tape.names.get(id(root), type(root).__name__)
                return [_tokens(trainee, None, name, found)]
    return [_tokens(trainee, None, type(found.module).__name__, found)]


def _tokens(trainee: Trainee, site: Site | None, name: str, entering: _Entering) -> Tokens:
    import numpy as np

    ids = entering.ids
    part = _part(trainee, ids)
    found = _contents(trainee) if part else None
    rows = _sample_rows(found, part)
    beyond = sorted(
        {
            i
            for i, row in rows
            if row.size and (row.max() >= entering.module.num_embeddings or row.min() < 0)
        }
    )
    batches = _batch_ids(trainee, part) or ([(ids.numpy(), None)] if ids.dim() > 1 else [])
    pad, by_mask = _pad(batches)
    real = [_unpadded(row, pad) for _, row in rows] or [
        _unpadded(row, pad) for batch, _ in batches for row in _as_rows(batch)
    ]
    counted: Counter[int] = Counter()
    for row in real:
        values, numbers = np.unique(row, return_counts=True)
        counted.update(dict(zip(values.tolist(), numbers.tolist(), strict=True)))
    if pad is not None:
        counted.pop(pad, None)
    (commonest, times) = counted.most_common(1)[0] if counted else (0, 0)
    lengths = [len(row) for row in real]
    longest = max(lengths, default=0)
    entries = sum(b.size for b, _ in batches)
    padded = sum(_padding(b, m, pad) for b, m in batches)
    inside = [row[:-1] for row in real if len(row) > 1]
    birth = trainee.tape.births.get(id(entering.module))
    return Tokens(
        embedding=f"{name}.{entering.path}" if entering.path else name,
        rows=entering.module.num_embeddings,
        padding=entering.module.padding_idx,
        built=birth.site.location() if birth and birth.site else None,
        site=site.location() if site else None,
        positions=_counts_up(ids),
        lowest=int(ids.min()),
        highest=int(ids.max()),
        part=part,
        sampled=len({i for i, _ in rows}),
        total=found.total if found else None,
        sample_lowest=min((int(r.min()) for _, r in rows if r.size), default=int(ids.min())),
        sample_highest=max((int(r.max()) for _, r in rows if r.size), default=int(ids.max())),
        beyond=len(beyond),
        beyond_index=tuple(beyond[:20]),
        crashed=entering.raised,
        pad=pad,
        pad_by_mask=by_mask,
        pad_share=padded / entries if entries and pad is not None else 0.0,
        batches=len(batches),
        pad_inside=_share_of(inside, pad),
        commonest=int(commonest),
        commonest_share=times / max(1, sum(counted.values())),
        different=len(counted),
        full=sum(n == longest for n in lengths) / max(1, len(lengths)),
        lengths=len({n for n in lengths if n < longest}),
        longest=longest,
        labelled=any(
            call.target is not None
            and not call.target.is_floating_point()
            and call.target.numel() >= EACH_TOKEN * ids.numel()
            for call in trainee.tape.losses[-8:]
        ),
    )


def _contents(trainee: Trainee) -> Contents | None:
    from mldoctor.trainee.contents import contents

    for index, info in enumerate(trainee.tape.loaders):
        if info.trained or info.requests:
            try:
                return contents(trainee, index)
            except (AbsentFact, IndexError, KeyError):
                return None
    return None


def _part(trainee: Trainee, ids: Tensor) -> str:
    """The part of a batch that these ids are."""
    import torch

    from mldoctor.trainee.batches import leaves, same_values

    for batch in trainee.latest_batches():
        for path, leaf in leaves(batch):
            if isinstance(leaf, list):
                continue
            tensor = torch.as_tensor(leaf)
            if tensor.is_floating_point() or tensor.dim() < 2:  # noqa: PLR2004 - [batch, time]
                continue
            if same_values(tensor, ids) or same_values(tensor, ids.transpose(0, -1)):
                return ".".join(map(str, path))
    return ""


def _sample_rows(found: Contents | None, part: str) -> list[tuple[int, np.ndarray]]:
    """The ids of every kept sample, as the dataset holds them, by row.

    A sample may hold several sequences (a pair of sentences, the answers to choose from), each
    filled up by itself: joined, the filling of one would stand inside of them all.
    """
    import numpy as np

    if found is None or part not in found.parts():
        return []
    return [
        (sample.index, row)
        for sample, view in zip(found.kept, found.views, strict=True)
        if isinstance(view[part], np.ndarray) and view[part].dtype.kind in "iu"
        for row in (_as_rows(view[part]) if view[part].ndim > 1 else [view[part].reshape(-1)])
    ]


def _batch_ids(trainee: Trainee, part: str) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """The ids in the latest batches, with the mask of the same shape where there is one."""
    import numpy as np

    from mldoctor.trainee.batches import leaves

    found = []
    for batch in trainee.latest_batches() if part else ():
        arrays = {
            ".".join(map(str, path)): np.asarray(
                leaf.detach().cpu() if hasattr(leaf, "detach") else leaf
            )
            for path, leaf in leaves(batch)
            if not isinstance(leaf, list)
        }
        if part not in arrays or arrays[part].dtype.kind not in "iu":
            continue
        ids = arrays[part]
        masks = [
            a
            for name, a in arrays.items()
            if name != part
            and a.shape == ids.shape
            and "mask" in name
            and set(np.unique(a)) <= {0, 1}
        ]
        found.append((ids, masks[0] if masks else None))
    return found


def _as_rows(batch: np.ndarray) -> list[np.ndarray]:
    return list(batch.reshape(-1, batch.shape[-1]))


def _pad(batches: list[tuple[np.ndarray, np.ndarray | None]]) -> tuple[int | None, bool]:
    """The id that fills rows up to one length, and whether a mask says so."""
    masked: set[int] = set()
    for ids, mask in batches:
        if mask is not None and (mask == 0).any():
            masked |= set(ids[mask == 0].reshape(-1).tolist())
    if len(masked) == 1:
        return int(masked.pop()), True
    if masked or not batches:
        return None, False
    ends: Counter[int] = Counter()
    rows = [row for ids, _ in batches for row in _as_rows(ids) if len(row) > 3]  # noqa: PLR2004 - a filled end of two
    for row in rows:
        if row[-1] == row[-2]:
            ends[int(row[-1])] += 1
    if not ends:
        return None, False
    (filler, times), total = ends.most_common(1)[0], sum(ends.values())
    fills = times >= max(3, 0.2 * len(rows)) and times >= 0.9 * total
    inside = _share_of([_unpadded(row, filler) for row in rows], filler)
    return (filler, False) if fills and inside < MOST_INSIDE else (None, False)


def _padding(ids: np.ndarray, mask: np.ndarray | None, pad: int | None) -> int:
    if mask is not None:
        return int((mask == 0).sum())
    return sum(len(row) - len(_unpadded(row, pad)) for row in _as_rows(ids)) if ids.ndim > 1 else 0


def _unpadded(row: np.ndarray, pad: int | None) -> np.ndarray:
    """The row without the padding at either end."""
    import numpy as np

    if pad is None:
        return row
    real = np.flatnonzero(row != pad)
    return row[real[0] : real[-1] + 1] if len(real) else row[:0]


def _share_of(rows: list[np.ndarray], pad: int | None) -> float:
    total = sum(map(len, rows))
    return (
        sum(int((row == pad).sum()) for row in rows) / total if total and pad is not None else 0.0
    )


def _counts_up(ids: Tensor) -> bool:
    import torch

    last = ids.reshape(-1, ids.shape[-1]) if ids.dim() else ids.reshape(1, 1)
    return (
        ids.dim() > 0
        and bool((last == torch.arange(last.shape[-1]) + last[:, :1]).all())
        and last.shape[-1] > 1
    )
