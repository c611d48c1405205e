"""The data of loops that read no DataLoader: the arrays that their batches are rows of.

`model(x_train[rows])` does not tell where its rows come from. The variables of the suspended script
do: the smallest array that holds the rows of the latest training batch is what the loop trains on, and
the smallest that holds what it evaluates is another split of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset, TensorDataset

from mldoctor.trainee.batches import leaves
from mldoctor.trainee.sites import user_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import FrameType

    from mldoctor.trainee.sites import Site
    from mldoctor.trainee.tape import Tape

FEWEST = 20
"""Rows of an array that may be a split."""

LARGEST = 256 << 20
"""Bytes of an array that is looked at."""

PROBED = 6
"""Rows of a batch that are looked for."""

RARELY = 0.5
"""Share of the updates after which a line is reached that evaluates: target networks and teachers
are asked in every update."""


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of one array of the script: all of them, or those that an array of indices names.

    Attributes:
        name: the variables, as the script has them: `x_train`, `x[val_idx]`.
        rows: [rows, values]; index: [chosen rows], None for all.
        site: where a model was called with some of them.
    """

    name: str
    rows: Tensor
    index: Tensor | None = None
    site: Site | None = None

    def __len__(self) -> int:
        return len(self.rows) if self.index is None else len(self.index)

    def holds(self, wanted: Tensor) -> bool:
        """Whether each row of `wanted` [rows, values] stands among these."""
        if self.rows.shape[1] != wanted.shape[1]:
            return False
        rows = self.rows.to(wanted.dtype)
        for row in wanted.to(rows.device):
            hits = (rows == row).all(dim=1)
            if not bool((hits if self.index is None else hits[self.index]).any()):
                return False
        return True

    def same(self, other: Held) -> bool:
        """Whether both are the same rows of the same array."""
        if self.rows.data_ptr() != other.rows.data_ptr() or len(self) != len(other):
            return False
        return self.index is None or other.index is None or torch.equal(self.index, other.index)

    def loader(self) -> DataLoader[Any]:
        """A loader that hands them out one by one, as the script's own loop never does."""
        whole = TensorDataset(self.rows.cpu())
        return DataLoader(whole if self.index is None else Subset(whole, self.index.tolist()))


def splits(tape: Tape, frame: FrameType | None) -> tuple[Held, ...]:
    """What a loop trains on, and then what it evaluates; nothing where that is not to be told.

    Args:
        tape: what the loop did.
        frame: where the script is suspended.
    """
    if any(info.requests for info in tape.loaders) or not tape.root_calls:
        return ()
    calls = tape.root_calls.items()
    index, call = max(calls, key=lambda c: sum(p.numel() for p in c[1].module.parameters()))
    held = list(_held(frame))
    rows = tape.first_rows.get(index), few_rows((call.args, call.kwargs))
    training = _source(rows, held, call.site)
    found = [] if training is None else [training]
    for site, (module, *seen) in tape.evaluated.items():
        asked = {e.update for e in tape.of("forward") if e.site == site and not e.details["grad"]}
        if module is not call.module or len(asked) > RARELY * tape.updates:
            continue
        other = _source(seen, held, site)
        if found and other is not None and not any(other.same(known) for known in found):
            found.append(other)
    return tuple(found)


def beside_loaders(tape: Tape, index: int) -> set[Site | None]:
    """The lines that evaluate a model on rows of no loader, where its training batches are of one.

    Only datasets that hold their rows as tensors are looked at: of others it is not known whether what
    is evaluated is a part of them. Nor is it where the batches are changed on their way.
    """
    call = tape.root_calls.get(index)
    given = None if call is None else few_rows((call.args, call.kwargs))
    pools = [h for info in tape.loaders if info.trained for h in _pools(info.loader.dataset)]
    if call is None or given is None or not any(pool.holds(given) for pool in pools):
        return set()
    found = set()
    for site, (module, *seen) in tape.evaluated.items():
        asked = {e.update for e in tape.of("forward") if e.site == site and not e.details["grad"]}
        rows = [rows[k : k + 1] for rows in seen if rows is not None for k in range(len(rows))]
        if module is not call.module or len(asked) > RARELY * tape.updates or not rows:
            continue
        alike = all(row.shape[1] == given.shape[1] for row in rows)
        if alike and not any(pool.holds(row) for pool in pools for row in rows):
            found.add(site)
    return found


def _pools(dataset: Any) -> Iterator[Held]:
    """The tensors of a dataset, or the rows of them that a subset names."""
    chosen = None
    if isinstance(dataset, Subset):
        chosen, dataset = torch.as_tensor(list(dataset.indices)), dataset.dataset
    if isinstance(dataset, TensorDataset):
        for tensor in dataset.tensors:
            if tensor.dim() > 1 and tensor.nbytes < LARGEST:
                yield Held("", tensor.flatten(1), chosen)


def _held(frame: FrameType | None) -> Iterator[Held]:
    """The arrays in the user's frames, by themselves and through index arrays over them."""
    wide: dict[int, Held] = {}
    lists: dict[int, tuple[str, Tensor]] = {}
    frame = user_frame(frame)
    while frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            for name, value in _named(scope):
                made = _tensor(value)
                if made is not None and made.dim() > 1:
                    wide.setdefault(id(value), Held(name, made.flatten(1)))
                elif made is not None and _is_index(made):
                    lists.setdefault(id(value), (name, made.long()))
        frame = user_frame(frame.f_back)
    yield from wide.values()
    for held in wide.values():
        for name, index in lists.values():
            if len(index) < len(held) > int(index.max()):
                yield Held(f"{held.name}[{name}]", held.rows, index.to(held.rows.device))


def _is_index(tensor: Tensor) -> bool:
    """Whether whole numbers may name rows: each at most once."""
    if tensor.is_floating_point() or tensor.dtype == torch.bool or int(tensor.min()) < 0:
        return False
    return len(set(tensor.tolist())) == len(tensor)


def _named(scope: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Variables, attributes of `self`, and what stands in a small dictionary, tuple or list."""
    owner = scope.get("self")
    for name, value in [*scope.items(), *(getattr(owner, "__dict__", None) or {}).items()]:
        yield name, value
        if isinstance(value, dict) and len(value) < FEWEST:
            yield from ((f"{name}[{key!r}]", inner) for key, inner in list(value.items()))
        elif isinstance(value, tuple | list) and len(value) < FEWEST:
            yield from ((f"{name}[{place}]", inner) for place, inner in enumerate(value))


def _tensor(value: Any) -> Tensor | None:
    if not isinstance(value, Tensor | np.ndarray) or value.ndim == 0 or len(value) < FEWEST:
        return None
    if value.nbytes > LARGEST:
        return None
    if isinstance(value, np.ndarray):
        return torch.as_tensor(np.ascontiguousarray(value)) if value.dtype.kind in "fiub" else None
    return value.detach() if value.layout is torch.strided else None


def few_rows(given: Any) -> Tensor | None:
    """Some rows [rows, values] of the first tensor that has several among a model's arguments."""
    tensors = (leaf for _, leaf in leaves(given) if isinstance(leaf, Tensor))
    found = next((t for t in tensors if t.dim() > 1 and len(t) > 1), None)
    if found is None or found.layout is not torch.strided:
        return None
    places = {round(k * (len(found) - 1) / (PROBED - 1)) for k in range(PROBED)}
    return found.detach()[sorted(places)].flatten(1)


def _source(batches: Iterable[Tensor | None], held: list[Held], site: Site | None) -> Held | None:
    """The smallest of the arrays that the rows of all these batches stand in."""
    chosen = [rows for rows in batches if rows is not None]
    if not chosen or any(len({tuple(row) for row in rows.tolist()}) < len(rows) for rows in chosen):
        return None  # nothing, or rows that are not to be told apart
    fitting = [h for h in held if all(map(h.holds, chosen))]
    best = min(fitting, key=len, default=None)
    return None if best is None else Held(best.name, best.rows, best.index, site)
