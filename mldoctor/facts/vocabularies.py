"""Vocabularies: maps from words to numbers and back that the script keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SMALLEST = 5

BACK = re.compile(r"^(itos|(i|id|ids|idx|ix|index|int)_?(2|to)_?[a-z]+)$")
"""Names of the way back from a number to its word."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A map from words to numbers and the one that leads back.

    Attributes:
        forward, back: names of the two.
        words: words looked up; lost: words that do not come back.
        examples: up to 5 of those, as "'cat' -> 3 -> 'dog'".
    """

    forward: str
    back: str
    words: int
    lost: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabularies:
    """Every pair of maps that belong together.

    Attributes:
        site: a line that uses them: where the data or the model is.
    """

    site: Location | None
    pairs: tuple[RoundTrip, ...]


@fact(Cost.TAPE)
def vocabularies(trainee: Trainee) -> Vocabularies:
    """Look in the datasets, the collate functions, and the modules that define them."""
    pairs = []
    seen: set[tuple[int, int]] = set()
    for scope in _scopes(trainee):
        forward = {n: v for n, v in scope.items() if _maps_words(v)}
        back = {n: v for n, v in scope.items() if _maps_numbers(v) or _unfilled(n, v)}
        for name, there in forward.items():
            for other, here in back.items():
                if (id(there), id(here)) not in seen and _belong(there, here):
                    seen.add((id(there), id(here)))
                    pairs.append(_round_trip(name, there, other, here))
    if not pairs:
        raise AbsentFact("no map from words to numbers with its way back was found")
    tape = trainee.tape
    sites = [i.site for i in tape.loaders if i.site] + [c.site for c in tape.losses if c.site]
    return Vocabularies(sites[0].location() if sites else None, tuple(pairs))


def _scopes(trainee: Trainee) -> Iterator[Mapping[str, Any]]:
    """Attributes of the datasets and of what they hold, and the globals of the user's code."""
    modules: dict[int, dict[str, Any]] = {}
    for info in trainee.tape.loaders:
        dataset = getattr(info.loader, "dataset", None)
        own = dict(getattr(dataset, "__dict__", {}))
        yield own
        for value in own.values():
            if type(value).__module__ == "__main__" and hasattr(value, "__dict__"):
                yield dict(vars(value))
        for function in (
            getattr(type(dataset), "__getitem__", None),
            getattr(type(dataset), "__iter__", None),
            getattr(info.loader, "collate_fn", None),
        ):
            _note(modules, function)
    for root in trainee.tape.roots:
        _note(modules, getattr(type(root), "forward", None))
    for scope in modules.values():
        yield scope
        for value in list(scope.values()):
            if type(value).__module__ == scope.get("__name__") and hasattr(value, "__dict__"):
                yield dict(vars(value))


def _note(modules: dict[int, dict[str, Any]], function: Any) -> None:
    scope = getattr(function, "__globals__", None)
    if isinstance(scope, dict) and not str(scope.get("__name__", "")).startswith(
        ("torch", "transformers", "datasets", "numpy", "lightning", "accelerate")
    ):
        modules[id(scope)] = scope


def _maps_words(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) >= SMALLEST
        and all(isinstance(k, str) and type(v) is int for k, v in list(value.items())[:50])
        and len(set(value.values())) >= 0.9 * len(value)  # else these are labels, not places
    )


def _maps_numbers(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) >= SMALLEST and all(isinstance(v, str) for v in value[:50])
    return (
        isinstance(value, dict)
        and len(value) >= SMALLEST
        and all(type(k) is int and isinstance(v, str) for k, v in list(value.items())[:50])
    )


def _unfilled(name: str, value: Any) -> bool:
    """A map that is named as the way back and holds nothing, or nearly nothing."""
    return (
        isinstance(value, dict | list) and len(value) < SMALLEST and bool(BACK.match(name.lower()))
    )


def _items(back: Any) -> list[tuple[int, str]]:
    return list(enumerate(back)) if isinstance(back, list) else list(back.items())


def _belong(forward: dict[str, int], back: Any) -> bool:
    """The same words, up to a few, and the numbers of one are keys of the other."""
    if len(back) < SMALLEST:
        return True
    words = {w for _, w in _items(back)}
    shared = len(words & forward.keys())
    return len(_items(back)) == len(words) and shared >= 0.8 * max(len(words), len(forward))


def _round_trip(name: str, forward: dict[str, int], other: str, back: Any) -> RoundTrip:
    table = dict(_items(back))
    known = set(table.values()) if len(table) >= SMALLEST else set(forward)
    lost = [(w, i) for w, i in forward.items() if w in known and table.get(i) != w]
    return RoundTrip(
        forward=name,
        back=other,
        words=len(forward),
        lost=len(lost),
        examples=tuple(f"{w!r} -> {i} -> {table.get(i)!r}" for w, i in lost[:5]),
    )
