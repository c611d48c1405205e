"""The splits of a loop that runs a model over everything and then picks rows of the answer.

A graph network answers for all nodes at once: `model(x, edges)[train_nodes]`. What it trains on is
not a part of its input but the index in the autograd graph of the loss, and the other splits are the
index arrays and masks that the script keeps beside that one.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mldoctor.trainee.held_arrays import FEWEST, Held
from mldoctor.trainee.sites import user_frame

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from types import FrameType

    from mldoctor.trainee.sites import Site
    from mldoctor.trainee.tape import RootCall, Tape

LIMIT = 400
"""Operations between a loss and the answers of a model: a long formula has some dozens."""

ASKED = re.compile(r"(^|[^a-z])(te?st|val|valid|validation|dev|eval|held|holdout)([^a-z]|$)")
"""Names of index arrays whose rows are for evaluation."""

TRAINED = re.compile(r"(^|[^a-z])(train|training|fit)([^a-z]|$)")

MASKS = ("train", "val", "valid", "test")


def picked(
    root: Any, outputs: Collection[Any], layers: tuple[str, ...]
) -> tuple[int, Tensor] | None:
    """The rows that a loss picks from the answer of a model, and how many that has.

    Args:
        root: the node of the loss.
        outputs: the nodes of what the models returned: nothing behind them is looked at.
        layers: beginnings of the names of operations behind which nothing is looked at either.
    """
    queue, seen = deque([root]), {root}
    while queue and len(seen) < LIMIT:
        node = queue.popleft()
        if node in outputs or node.name().startswith(layers):
            continue
        found = _rows(node)
        if found is not None:
            return found
        for parent, _ in node.next_functions:
            if parent is not None and parent not in seen:
                seen.add(parent)
                queue.append(parent)
    return None


def _rows(node: Any) -> tuple[int, Tensor] | None:
    name = node.name()
    if name.startswith("IndexBackward"):
        given = list(node._saved_indices)  # noqa: SLF001 - how autograd shows what it saved
    elif name.startswith("IndexSelectBackward") and node._saved_dim == 0:  # noqa: SLF001
        given = [node._saved_index]  # noqa: SLF001
    else:
        return None
    sizes = tuple(node._saved_self_sym_sizes)  # noqa: SLF001
    if len(given) != 1 or not isinstance(given[0], Tensor) or given[0].dim() != 1 or not sizes:
        return None
    chosen = _chosen(given[0], int(sizes[0]))
    return None if chosen is None else (int(sizes[0]), chosen)


def _chosen(value: Any, rows: int) -> Tensor | None:
    """The places that an index array or a mask over so many rows names, each once, in order."""
    made = torch.as_tensor(value) if isinstance(value, np.ndarray) else value
    if not isinstance(made, Tensor) or made.dim() != 1 or made.layout is not torch.strided:
        return None
    if made.dtype == torch.bool:
        index = made.nonzero().reshape(-1) if len(made) == rows else None
    else:
        index = None if made.is_floating_point() or made.is_complex() else made.long()
    if index is None or not FEWEST <= len(index) < rows:
        return None
    index = index.detach().cpu().sort().values
    if int(index[0]) < 0 or int(index[-1]) >= rows or bool((index[1:] == index[:-1]).any()):
        return None
    return index


def splits(tape: Tape, frame: FrameType | None) -> tuple[Held, ...]:
    """What the latest loss was computed on, and the rows that the script keeps for evaluation.

    Nothing where the script does not keep the rows of that loss as well: then they may belong to
    another fold than the variables do.
    """
    if any(info.requests for info in tape.loaders) or not tape.root_calls:
        return ()
    graphs = [e.details.get("graph") for e in tape.of("backward")]
    found = next((g.picked for g in reversed(graphs) if g is not None and g.picked), None)
    call = max(
        tape.root_calls.values(), key=lambda c: sum(p.numel() for p in c.module.parameters())
    )
    site = _asked(tape, call)
    if found is None or site is None:
        return ()
    rows, index = found
    kept = dict(_kept(frame, rows))
    mine = next((name for name, chosen in kept.items() if torch.equal(chosen, index)), None)
    if mine is None:
        return ()
    # What a row holds does not matter here, only which one it is: each gets a content of its own.
    numbers = torch.randn(rows, 4, generator=torch.Generator().manual_seed(0))
    others = [
        Held(name, numbers, chosen, site)
        for name, chosen in kept.items()
        if ASKED.search(name.lower()) and not TRAINED.search(name.lower())
    ]
    # Rows that the last training takes over on purpose leave another split untouched.
    inside = [
        held
        for held in others
        if held.index is not None and bool(torch.isin(held.index, index).all())
    ]
    if inside and len(inside) < len(others):
        others = [held for held in others if all(held is not known for known in inside)]
    return (Held(mine, numbers, index, call.site), *others) if others else ()


def _asked(tape: Tape, call: RootCall) -> Site | None:
    """A line that asks the trained model without gradients, None for none."""
    for site, (module, *_) in tape.evaluated.items():
        if module is call.module and site is not None:
            return site
    return None


def _kept(frame: FrameType | None, rows: int) -> Iterator[tuple[str, Tensor]]:
    """Index arrays and masks over so many rows: variables, attributes, entries of dictionaries."""
    frame = user_frame(frame)
    while frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            for name, value in list(scope.items()):
                for label, inner in _inside(name, value):
                    chosen = _chosen(inner, rows)
                    if chosen is not None:
                        yield label, chosen
        frame = user_frame(frame.f_back)


def _inside(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Tensor | np.ndarray):
        yield name, value
    elif isinstance(value, dict):
        yield from ((f"{name}[{key!r}]", inner) for key, inner in list(value.items())[:FEWEST])
    elif not isinstance(value, type) and hasattr(value, "__dict__"):
        own = vars(value)
        yield from ((f"{name}.{key}", inner) for key, inner in list(own.items())[: 2 * FEWEST])
        # Graphs of PyTorch Geometric keep their masks behind properties.
        for part in MASKS:
            mask = f"{part}_mask"
            store = own.get("_store")
            if store is not None and mask not in own and hasattr(store, "get"):
                yield f"{name}.{mask}", store.get(mask)
