"""Where probes and facts are declared, checked, and found.

Nothing is listed by hand: walking the package (and the entry-point group `mldoctor.probes`) finds
every probe, and the types in a probe's signature say which facts it needs.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import typing
from dataclasses import dataclass, is_dataclass, replace
from enum import IntEnum
from functools import cache
from importlib.metadata import entry_points
from types import NoneType
from typing import TYPE_CHECKING, Any

from mldoctor.errors import RegistrationError, UnknownNameError
from mldoctor.tombstones import tombstone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mldoctor.findings import Finding, Severity

ALWAYS = object()
"""Marks a parameter for which a fact must be given."""

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Cost(IntEnum):
    """What obtaining a fact takes. Facts are obtained in this order and cut from its end.

    What takes no more than `SOURCE` can be had of a file that is only read, not run.
    """

    SOURCE = 0
    TAPE = 1
    SCAN = 2
    FORWARDS = 3
    STEPS = 4
    TREATMENTS = 5

    @property
    def label(self) -> str:
        """The cost in the words of the reports."""
        return (
            "source read",
            "recorded",
            "data read",
            "extra forward passes",
            "driven steps",
            "treatments",
        )[self]


@dataclass(frozen=True, slots=True)
class Fact:
    """A frozen value and the one function that obtains it."""

    name: str
    kind: type[Any]
    obtain: Callable[..., Any]
    needs: tuple[type[Any], ...]
    cost: Cost


@dataclass(frozen=True, slots=True)
class Probe:
    """One declared probe: its judging function and everything that is known about it.

    Attributes:
        needs: the facts it is given, in order; `optional`: those of them that are None where a run
            did not give them; `extra`: those of these without which it has still looked at all it
            should (their parameter has a default).
        home: the module that the probe is declared in, where another one judges.
    """

    name: str
    severity: Severity
    judge: Callable[..., Iterator[Finding]]
    needs: tuple[type, ...]
    optional: frozenset[type]
    extra: frozenset[type]
    options: Mapping[str, Any]
    explains: tuple[str, ...]
    symptom: bool
    status: str
    since: str
    package: str
    home: str = ""

    @property
    def family(self) -> str:
        """The folder the probe stands in."""
        return (self.home or self.judge.__module__).rsplit(".", 2)[-2].replace("_", "-")

    @property
    def required(self) -> tuple[type, ...]:
        """The facts without which it cannot judge."""
        return tuple(need for need in self.needs if need not in self.optional)

    @property
    def page(self) -> str:
        """The probe's documentation: its docstring."""
        return inspect.getdoc(self.judge) or ""

    def findings(
        self, facts: Mapping[type, Any], options: Mapping[str, Any]
    ) -> tuple[Finding, ...]:
        """Judge the facts of one run; each finding carries this probe's name and family."""
        chosen = dict(self.options) | dict(options)
        given = (facts.get(n) if n in self.optional else facts[n] for n in self.needs)
        seen = self.judge(*given, **chosen)
        return tuple(
            replace(
                finding,
                name=self.name,
                family=self.family,
                severity=finding.severity or self.severity,
                symptom=self.symptom,
            )
            for finding in seen
        )


_PROBES: dict[str, Probe] = {}
_READINGS: dict[str, Callable[..., Iterator[Finding]]] = {}
_FACTS: dict[type, Fact] = {}


def probe(
    name: str,
    severity: Severity,
    *,
    explains: tuple[str, ...] = (),
    symptom: bool = False,
    status: str = "stable",
    since: str = "0.1.0",
) -> Callable[[Callable[..., Iterator[Finding]]], Callable[..., Iterator[Finding]]]:
    """Declare a generator function as the probe `name`.

    Positional parameters are the facts it needs: `Fact | None` for one it can do without to find
    something, `Fact | None = None` for one that it does not miss when it finds nothing. Keyword-only
    parameters are its thresholds.
    """

    def declare(judge: Callable[..., Iterator[Finding]]) -> Callable[..., Iterator[Finding]]:
        if not NAME.fullmatch(name):
            raise RegistrationError(f"probe name {name!r} in {judge.__module__} is not kebab-case")
        if not inspect.isgeneratorfunction(judge):
            raise RegistrationError(f"probe {name!r} must be a generator function")
        gone = tombstone(name)
        if gone is not None:
            raise RegistrationError(f"the name {name!r} was {gone.sentence}; names are not reused")
        known = _PROBES.get(name)
        if known is not None and known.judge.__module__ != judge.__module__:
            raise RegistrationError(
                f"probe {name!r} is declared in {known.judge.__module__} and {judge.__module__}"
            )
        needs = _needs(judge)
        _PROBES[name] = Probe(
            name=name,
            severity=severity,
            judge=judge,
            needs=tuple(needs),
            optional=frozenset(kind for kind, default in needs.items() if default is not ALWAYS),
            extra=frozenset(kind for kind, default in needs.items() if default is None),
            options={
                p.name: p.default
                for p in inspect.signature(judge).parameters.values()
                if p.kind is p.KEYWORD_ONLY
            },
            explains=explains,
            symptom=symptom,
            status=status,
            since=since,
            package=judge.__module__.split(".")[0],
        )
        return judge

    return declare


def reading(
    name: str,
) -> Callable[[Callable[..., Iterator[Finding]]], Callable[..., Iterator[Finding]]]:
    """Declare a generator function as what the probe `name` can say of the source alone.

    Its parameters are facts of the cost `SOURCE`. It speaks where the source leaves no doubt, and
    in an examination that runs nothing; a run knows better.
    """

    def declare(judge: Callable[..., Iterator[Finding]]) -> Callable[..., Iterator[Finding]]:
        if not inspect.isgeneratorfunction(judge):
            raise RegistrationError(f"the reading of {name!r} must be a generator function")
        known = _READINGS.get(name)
        if known is not None and known.__module__ != judge.__module__:
            raise RegistrationError(
                f"{name!r} is read in {known.__module__} and {judge.__module__}"
            )
        _READINGS[name] = judge
        return judge

    return declare


def fact(cost: Cost) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the function that obtains the fact named by its return annotation.

    It names what it needs (`Trainee`, other facts) by the types of its parameters, and raises
    `AbsentFact` with a reason when this run cannot give the fact.
    """

    def declare(obtain: Callable[..., Any]) -> Callable[..., Any]:
        kind = _hints(obtain).get("return")
        if not (isinstance(kind, type) and is_dataclass(kind)):
            raise RegistrationError(f"fact {obtain.__name__!r} must return a frozen dataclass")
        _FACTS[kind] = Fact(kind.__name__, kind, obtain, tuple(_needs(obtain)), cost)
        return obtain

    return declare


def probes() -> dict[str, Probe]:
    """Every probe, by name, in the order of the families and names."""
    _load()
    return dict(sorted(_PROBES.items(), key=lambda item: (item[1].family, item[0])))


def facts() -> dict[type, Fact]:
    """Every fact, by its type, cheapest first."""
    _load()
    return dict(sorted(_FACTS.items(), key=lambda item: (item[1].cost, item[1].name)))


def reading_of(name: str) -> str:
    """What the reading of a probe says about itself; "" where there is none."""
    _load()
    return inspect.getdoc(_READINGS[name]) or "" if name in _READINGS else ""


def source_probes() -> dict[str, Probe]:
    """The probes that can judge a file that is only read, each with what judges then."""
    every, known = probes(), facts()
    strangers = set(_READINGS) - set(every)
    if strangers:
        raise RegistrationError(f"readings of probes that do not exist: {sorted(strangers)}")
    found = {
        name: _read(probe_, _READINGS[name]) if name in _READINGS else probe_
        for name, probe_ in every.items()
    }

    def static(probe_: Probe) -> bool:
        needed = _with_their_needs(probe_.needs, known)
        return bool(needed) and all(known[kind].cost <= Cost.SOURCE for kind in needed)

    for name in _READINGS:
        if not static(found[name]):
            raise RegistrationError(f"the reading of {name!r} needs facts that only a run gives")
    return {name: probe_ for name, probe_ in found.items() if static(probe_)}


def _read(probe_: Probe, judge: Callable[..., Iterator[Finding]]) -> Probe:
    """The probe as it judges the source alone. It has no thresholds: it speaks only of proof."""
    return replace(
        probe_,
        judge=judge,
        needs=tuple(_needs(judge)),
        optional=frozenset(),
        extra=frozenset(),
        options={},
        home=probe_.judge.__module__,
    )


def select(
    chosen: tuple[str, ...], ignored: tuple[str, ...], known: Mapping[str, Probe] | None = None
) -> dict[str, Probe]:
    """The probes that `--select` and `--ignore` leave; names of probes and families count.

    Raises:
        UnknownNameError: for a value that is neither a probe, a family, nor "all".
    """
    known = probes() if known is None else known
    families = {p.family for p in known.values()}
    names = [*known, *families, "all"]
    for value in (*chosen, *ignored):
        if value not in names:
            raise UnknownNameError("probe or family", value, names)

    def matches(probe_: Probe, values: tuple[str, ...]) -> bool:
        return not {"all", probe_.name, probe_.family}.isdisjoint(values)

    return {
        name: probe_
        for name, probe_ in known.items()
        if matches(probe_, chosen) and (probe_.name in chosen or not matches(probe_, ignored))
    }


def needed_facts(chosen: Mapping[str, Probe], drawn: Iterable[type] = ()) -> dict[type, Fact]:
    """The facts that these probes need, directly or through other facts, cheapest first.

    Args:
        chosen: the probes.
        drawn: facts that only a figure shows; wanted where a probe's fact is as dear anyway.
    """
    every = facts()
    wanted = _with_their_needs((need for p in chosen.values() for need in p.needs), every)
    dearest = max((Cost.TAPE, *(every[kind].cost for kind in wanted)))
    wanted |= _with_their_needs((kind for kind in drawn if every[kind].cost <= dearest), every)
    ordered: dict[type, Fact] = {}

    def place(kind: type) -> None:
        """A fact stands after the facts it is made from."""
        if kind in wanted and kind not in ordered:
            for need in every[kind].needs:
                place(need)
            ordered[kind] = every[kind]

    for kind in every:
        place(kind)
    return ordered


def _with_their_needs(kinds: Iterable[type], every: Mapping[type, Fact]) -> set[type]:
    """These facts and all that they are made from."""
    found: set[type] = set()
    left = list(kinds)
    while left:
        kind = left.pop()
        if kind in every and kind not in found:
            found.add(kind)
            left.extend(every[kind].needs)
    return found


def _needs(function: Callable[..., Any]) -> dict[type, object]:
    """The types of the positional parameters.

    With each comes `ALWAYS` where None may not stand in its place, else the parameter's default.
    """
    hints = _hints(function)
    parameters = inspect.signature(function).parameters.values()
    positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    for parameter in positional:
        if parameter.name not in hints:
            raise RegistrationError(
                f"parameter {parameter.name!r} of {function.__module__}.{function.__name__} "
                "has no type, so mldoctor cannot tell which fact it needs"
            )
    needs: dict[type, object] = {}
    for parameter in positional:
        kinds = typing.get_args(hints[parameter.name]) or (hints[parameter.name],)
        kind, *others = (k for k in kinds if k is not NoneType)
        if others:
            raise RegistrationError(
                f"parameter {parameter.name!r} of {function.__module__}.{function.__name__} "
                "names several types; a parameter takes one fact"
            )
        needs[kind] = parameter.default if NoneType in kinds else ALWAYS
    return needs


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    return typing.get_type_hints(function)


@cache
def _load() -> None:
    for package in ("mldoctor.facts", "mldoctor.probes"):
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            importlib.import_module(module.name)
    for entry in entry_points(group="mldoctor.probes"):
        entry.load()
