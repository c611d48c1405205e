"""A probe's page: its docstring in parts, with everything else that is known about the probe."""

from __future__ import annotations

import inspect
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor.errors import RegistrationError
from mldoctor.reports._paint import Line, Span, line, paint, wrapped

if TYPE_CHECKING:
    from mldoctor.registry import Probe
    from mldoctor.reports import Look

SECTIONS = (
    "What it finds",
    "Why it matters",
    "Example",
    "Use instead",
    "How it is measured",
    "When it is wrong",
    "References",
)
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)
_FENCE = re.compile(r"^```[^\n]*\n(?P<code>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_ITEM = re.compile(r"(?:[-*]|\d+\.) ")


@dataclass(frozen=True, slots=True)
class Page:
    """A parsed page: one plain sentence or two, then the sections in their fixed order."""

    summary: str
    sections: dict[str, str]

    def code(self, section: str) -> str:
        """The runnable script of a section: what its first ``` block holds."""
        found = _FENCE.search(self.sections.get(section, ""))
        return textwrap.dedent(found["code"]) if found else ""


def parse(text: str) -> Page:
    """The page in its sections.

    A `## ` line inside a code block is code, so examples may hold such comments.

    Raises:
        RegistrationError: for an unknown or repeated section, or one out of order.
    """
    fenced = [match.span() for match in _FENCE.finditer(text)]
    headings = [
        match
        for match in _HEADING.finditer(text)
        if not any(start <= match.start() < end for start, end in fenced)
    ]
    names = [match[1] for match in headings]
    expected = [name for name in SECTIONS if name in names]
    if names != expected:
        raise RegistrationError(
            f"sections of a page must be {', '.join(SECTIONS)}, in this order; found "
            f"{', '.join(names)}"
        )
    starts = [match.start() for match in headings] + [len(text)]
    return Page(
        summary=text[: starts[0]].strip(),
        sections={
            match[1]: text[match.end() : end].strip()
            for match, end in zip(headings, starts[1:], strict=True)
        },
    )


def known() -> dict[str, Probe]:
    """Everything that has a page: the probes, and what mldoctor finds about its own files."""
    from mldoctor.registry import probes
    from mldoctor.suppression.own import OWN

    return {**probes(), **OWN}


def sections_of(probe: Probe) -> dict[str, str]:
    """The sections of a probe's page, with what it reads in the source alone."""
    from mldoctor.registry import reading_of

    sections = dict(parse(probe.page).sections)
    read = reading_of(probe.name)
    if read and SECTIONS[4] in sections:
        sections[SECTIONS[4]] += f"\n\nIn the source alone (`mldoctor check --static`): {read}"
    return sections


def cost_of(probe: Probe) -> str:
    """What the dearest fact behind a probe takes, in the words of the reports."""
    from mldoctor.registry import Cost, needed_facts

    needed = needed_facts({probe.name: probe}).values()
    return max((fact.cost for fact in needed), default=Cost.TAPE).label


def source_of(probe: Probe) -> str:
    """Where the probe's source is: its file inside the package that brings it, and the line."""
    path = Path(inspect.getsourcefile(probe.judge) or "").parts
    starts = [at for at, part in enumerate(path) if part == probe.package]
    inside = "/".join(path[starts[-1] :]) if starts else probe.judge.__module__
    return f"{inside}:{inspect.getsourcelines(probe.judge)[1]}"


def as_data(probe: Probe) -> dict[str, Any]:
    """Everything about a probe as JSON-ready data."""
    page = parse(probe.page)
    return {
        "name": probe.name,
        "family": probe.family,
        "severity": str(probe.severity),
        "kind": "symptom" if probe.symptom else "cause",
        "status": probe.status,
        "since": probe.since,
        "package": probe.package,
        "needs": [need.__name__ for need in probe.required],
        "cost": cost_of(probe),
        "explains": list(probe.explains),
        "options": {name.replace("_", "-"): value for name, value in probe.options.items()},
        "source": source_of(probe),
        "summary": page.summary,
        "sections": sections_of(probe),
    }


def as_markdown(probe: Probe) -> str:
    """The page in Markdown, as it is published."""
    facts = "\n".join(f"- {name}: {value}" for name, value in _facts(probe))
    page = parse(probe.page)
    body = "\n\n".join(f"## {name}\n\n{text}" for name, text in sections_of(probe).items())
    return f"# {probe.name}\n\n{page.summary}\n\n{facts}\n\n{body}\n"


def as_text(probe: Probe, look: Look) -> str:
    """The page for a terminal. Code stands at the margin, so that it runs as it is copied."""
    page = parse(probe.page)
    lines = [line(Span(probe.name, "bold")), *_prose(page.summary, look.width), line()]
    wide = max(len(name) for name, _ in _facts(probe))
    for name, value in _facts(probe):
        first, *rest = wrapped(value, look.width, wide + 2)
        lines.append(line(f"{name:<{wide}}  {first}"))
        lines += [line(" " * (wide + 2), part) for part in rest]
    for name, text in sections_of(probe).items():
        lines += [line(), line(Span(name, "bold")), line("-" * len(name)), *_body(text, look.width)]
    return paint(lines, color=look.color)


def _facts(probe: Probe) -> list[tuple[str, str]]:
    options = ", ".join(f"{n.replace('_', '-')} = {v}" for n, v in probe.options.items())
    rows = [
        ("family", probe.family),
        ("severity", str(probe.severity)),
        ("kind", "symptom" if probe.symptom else "cause"),
        ("status", f"{probe.status}, since {probe.since}"),
        ("needs", ", ".join(need.__name__ for need in probe.required)),
        ("cost", cost_of(probe)),
        ("explains", ", ".join(probe.explains)),
        ("options", options),
        ("package", "" if probe.package == "mldoctor" else probe.package),
        ("source", source_of(probe)),
    ]
    return [(name, value) for name, value in rows if value]


def _body(text: str, width: int | None) -> list[Line]:
    lines: list[Line] = []
    at = 0
    for block in _FENCE.finditer(text):
        lines += _prose(text[at : block.start()], width)
        lines += [line(), *(line(code) for code in textwrap.dedent(block["code"]).splitlines())]
        lines.append(line())
        at = block.end()
    lines += _prose(text[at:], width)
    while lines and not any(span.text.strip() for span in lines[-1]):
        lines.pop()
    while lines and not any(span.text.strip() for span in lines[0]):
        lines.pop(0)
    return lines


def _prose(text: str, width: int | None) -> list[Line]:
    """Paragraphs and list items, filled to the width; as they were written without one."""
    text = text.strip()
    if width is None or not text:
        return [line(part) for part in text.splitlines()]
    pieces: list[str] = []
    for written in text.splitlines():
        starts = not written.strip() or _ITEM.match(written) or not pieces or not pieces[-1]
        if starts:
            pieces.append(written.strip())
        else:
            pieces[-1] += " " + written.strip()
    lines: list[Line] = []
    for piece in pieces:
        hang = len(found[0]) if (found := _ITEM.match(piece)) else 0
        first, *rest = wrapped(piece, width, hang)
        lines += [line(first), *(line(" " * hang, part) for part in rest)]
    return lines
