"""Styled text for terminals: lines of spans, wrapped and coloured only where asked."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.style import Style

_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

# On a narrower terminal lines run over rather than fall apart into single words.
_MIN_ROOM = 12

SEVERITY_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}


class Span(NamedTuple):
    """A piece of one line. `style` is a rich style; its meaning never rests on colour alone."""

    text: str
    style: str = ""


Line = tuple[Span, ...]


def line(*parts: str | Span) -> Line:
    """One line of plain and styled pieces."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def clean(text: str) -> str:
    """Text from outside on one line, without escape sequences and control characters, tabs kept.

    Names and output of an examined script must not be able to move the cursor, recolour the
    terminal or reorder what is read.
    """
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\n", " ")))


def columns(text: str) -> int:
    """How many terminal columns the text takes: wide characters count two, joined ones none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def padded(text: str, width: int) -> str:
    """The text filled with spaces to `width` columns."""
    return text + " " * max(0, width - columns(text))


def wrapped(text: str, width: int | None, indent: int = 0) -> list[str]:
    """The text in lines of at most `width - indent` columns, broken at spaces only."""
    text = clean(text)
    if width is None:
        return [text]
    room = max(_MIN_ROOM, width - indent)
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and columns(longer) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def paint(lines: Iterable[Line], *, color: bool) -> str:
    """The lines as one text; without trailing spaces, each ended by a line break."""
    return "".join(_painted(spans, color=color) + "\n" for spans in lines)


def _painted(spans: Line, *, color: bool) -> str:
    kept = list(spans)
    while kept and not kept[-1].text.rstrip(" "):
        kept.pop()
    if kept:
        kept[-1] = kept[-1]._replace(text=kept[-1].text.rstrip(" "))
    if not color:
        return "".join(span.text for span in kept)
    from rich.color import ColorSystem

    return "".join(
        _style(span.style).render(span.text, color_system=ColorSystem.STANDARD)
        if span.style
        else span.text
        for span in kept
    )


@cache
def _style(definition: str) -> Style:
    from rich.style import Style

    return Style.parse(definition)
