"""Ignores written as comments: `# mldoctor: ignore[frozen-head] reason`."""

from __future__ import annotations

import io
import re
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMENT = re.compile(
    r"#+\s*mldoctor:\s*(?P<kind>(?:file-)?ignore)\b\s*(?:\[(?P<names>[^\]]*)\])?\s*(?P<reason>.*)"
)
_LAYOUT = {
    tokenize.NL,
    tokenize.COMMENT,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.ENCODING,
}


@dataclass(frozen=True, slots=True)
class Ignore:
    """One comment.

    Attributes:
        names: what it ignores; empty for a comment that names nothing, and so ignores nothing.
        first: first line that it holds for; 0 stands for the whole file.
        last: last line that it holds for.
    """

    path: str
    line: int
    column: int
    names: tuple[str, ...]
    reason: str
    first: int
    last: int

    def covers(self, line: int) -> bool:
        """Whether it holds for a line of its file."""
        return not self.first or self.first <= line <= self.last


class _Comment(NamedTuple):
    match: re.Match[str]
    line: int
    column: int


def ignores(path: str, text: str) -> tuple[Ignore, ...]:
    """The ignores of a file, in its order.

    A comment on a line of a statement holds for all lines of that statement; a comment on its own
    line holds for the statement below it. Of a compound statement only the header counts.
    """
    found: list[Ignore] = []
    waiting: list[_Comment] = []
    inside: list[_Comment] = []
    start = 0
    for token in _tokens(text):
        line, column = token.start
        if token.type == tokenize.COMMENT:
            if match := _COMMENT.match(token.string):
                comment = _Comment(match, line, column + 1)
                if match["kind"] == "file-ignore":
                    found.append(_ignore(path, comment, 0, 0))
                else:
                    (inside if start else waiting).append(comment)
        elif token.type == tokenize.NEWLINE:
            found += [_ignore(path, comment, start, line) for comment in (*waiting, *inside)]
            waiting, inside, start = [], [], 0
        elif token.type not in _LAYOUT:
            start = start or line
    # Below the last statement there is nothing to ignore: such a comment holds for its own line.
    found += [_ignore(path, c, c.line, c.line) for c in (*waiting, *inside)]
    return tuple(sorted(found, key=lambda ignore: (ignore.line, ignore.column)))


def _ignore(path: str, comment: _Comment, first: int, last: int) -> Ignore:
    match = comment.match
    names = tuple(filter(None, (name.strip() for name in (match["names"] or "").split(","))))
    # Only a separator goes; a reason may well begin with a bracket or a quote.
    reason = match["reason"].lstrip(" \t:-\u2013\u2014").strip()
    return Ignore(path, comment.line, comment.column, names, reason, first, last)


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    if "mldoctor:" not in text:
        return
    try:
        yield from tokenize.generate_tokens(io.StringIO(text).readline)
    except (tokenize.TokenError, SyntaxError):  # the rest of a file that Python could not run
        return
