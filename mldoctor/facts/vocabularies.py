"""Vocabularies: maps from words to numbers, and back, that the script holds side by side."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.registry import Cost, fact
from mldoctor.trainee.sites import is_user_code
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SMALLEST = 10
LARGEST = 1_000_000
"""Words of a map; fewer are settings, more are no longer read."""

ALIKE = 0.9
"""Share of words, and of numbers, that two maps must have in common to be two ways of one map."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A map from numbers to words, and the map from words to numbers that comes nearest to it.

    Attributes:
        encoder, decoder: their names in the script.
        words: words that both know and that have a number of their own.
        lost: those that come back as another word.
        shifted: all numbers differ by the same amount, as where one side keeps a place free.
        examples: "word -> number -> word" of up to 5 that are lost.
    """

    encoder: str
    decoder: str
    words: int
    lost: int
    shifted: bool
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabularies:
    """Every map from numbers to words that has one from words to numbers beside it."""

    rows: tuple[RoundTrip, ...]


@fact(Cost.TAPE)
def vocabularies(trainee: Trainee) -> Vocabularies:
    """Look through the variables of the script and the attributes of its objects."""
    encoders: dict[int, tuple[str, dict[str, int]]] = {}
    decoders: dict[int, tuple[str, dict[int, str]]] = {}
    for name, value in _held(trainee):
        if type(value).__name__ not in {"dict", "OrderedDict"}:
            continue
        if not SMALLEST <= len(value) <= LARGEST:
            continue
        if _all(value.keys(), str) and _all(value.values(), int):
            encoders.setdefault(id(value), (name, dict(value)))
        elif _all(value.keys(), int) and _all(value.values(), str):
            decoders.setdefault(id(value), (name, dict(value)))
    rows = [row for found in decoders.values() if (row := _nearest(found, encoders)) is not None]
    if not rows:
        raise AbsentFact("the script holds no two maps between words and numbers")
    return Vocabularies(tuple(rows))


def _all(values: Any, kind: type) -> bool:
    return all(isinstance(v, kind) and not isinstance(v, bool) for v in values)


def _nearest(
    decoder: tuple[str, dict[int, str]], encoders: dict[int, tuple[str, dict[str, int]]]
) -> RoundTrip | None:
    trips = [trip for e in encoders.values() if (trip := _trip(e, decoder)) is not None]
    return min(trips, key=lambda t: (t.lost / t.words, -t.words)) if trips else None


def _trip(
    encoder: tuple[str, dict[str, int]], decoder: tuple[str, dict[int, str]]
) -> RoundTrip | None:
    there, back = encoder[1], decoder[1]
    holders = Counter(there.values())
    # A number that many words share, such as that of the unknown word, cannot come back.
    own = {w: n for w, n in there.items() if holders[n] == 1}
    places = {w: n for n, w in back.items()}
    both = own.keys() & places.keys()
    smaller = min(len(there), len(places))
    numbers = set(there.values())
    if len(both) < max(SMALLEST, ALIKE * smaller) or len(places) < len(back):
        return None
    if len(numbers & back.keys()) < ALIKE * len(numbers | back.keys()):
        return None
    lost = sorted(w for w in both if back.get(own[w]) != w)
    steps = {own[w] - places[w] for w in both}
    return RoundTrip(
        encoder=encoder[0],
        decoder=decoder[0],
        words=len(both),
        lost=len(lost),
        shifted=len(steps) == 1 and steps != {0},
        examples=tuple(f"{w} -> {own[w]} -> {back.get(own[w], 'nothing')}" for w in lost[:5]),
    )


def _held(trainee: Trainee) -> Iterator[tuple[str, Any]]:
    """Names and values of the script's variables, and of the attributes of its own objects."""
    for scope in [*_scopes(), *_datasets(trainee)]:
        for name, value in list(scope.items()):
            if name.startswith("__"):
                continue
            yield name, value
            module = sys.modules.get(type(value).__module__)
            if is_user_code(getattr(module, "__file__", None) or "<none>"):
                held = getattr(value, "__dict__", None)
                for inner, part in list(held.items()) if isinstance(held, dict) else ():
                    yield f"{name}.{inner}", part


def _datasets(trainee: Trainee) -> list[Mapping[str, Any]]:
    found = [getattr(info.loader, "dataset", None) for info in trainee.tape.loaders]
    return [vars(d) for d in found if hasattr(d, "__dict__")]


def _scopes() -> list[Mapping[str, Any]]:
    """Variables of the user's modules, and of the functions that wait in the script's greenlet."""
    from greenlet import greenlet

    scopes: list[Mapping[str, Any]] = []
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and is_user_code(file):
            scopes.append(vars(module))
    # By type: `isinstance` follows a weak reference, and torch.compile leaves some that lead nowhere.
    for waiting in (g for g in gc.get_objects() if issubclass(type(g), greenlet)):
        frame = waiting.gr_frame
        while frame is not None:
            if is_user_code(frame.f_code.co_filename):
                scopes.append(frame.f_locals)
            frame = frame.f_back
    return scopes
