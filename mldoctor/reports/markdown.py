"""The report as GitHub-flavoured Markdown, for a comment on a pull request or a step summary."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from mldoctor.reports import _wording as wording
from mldoctor.reports._changes import Change, compared
from mldoctor.reports._paint import clean, paint
from mldoctor.reports._source import excerpt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mldoctor.findings import Finding, Report
    from mldoctor.reports import Look

LIMIT = 60_000
"""Bytes of one comment: GitHub refuses more than 65,536 characters."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$])")
_ZERO_WIDTH = "\u200b"


class _Part(NamedTuple):
    """One finding: its row in the table, and what is folded below it."""

    row: str
    details: str


def render(report: Report, look: Look) -> str:
    """The report for one comment; nothing when `--compare` finds that nothing has changed."""
    return document(report, look, LIMIT)


def document(report: Report, look: Look, limit: int) -> str:
    """The report in at most `limit` bytes; the least important findings give way first."""
    change = compared(report, look.base) if look.base is not None else None
    if change is not None and not change.any and not wording.stopped(report):
        return ""
    heads, folded = wording.causes(report)
    parts = [
        _Part(
            _row(head, folded.get(head.name, []), report, change),
            _details(head, folded.pop(head.name, []), report),
        )
        for head in heads
    ]
    rows, details = len(parts), len(parts)
    text = _assembled(report, parts, change, rows, details)
    while _size(text) > limit and rows:
        over = _size(text) - limit
        while over > 0 and details:
            details -= 1
            over -= _size(parts[details].details)
        while over > 0 and rows and not details:
            rows -= 1
            over -= _size(parts[rows].row)
        text = _assembled(report, parts, change, rows, details)
    return text if _size(text) <= limit else _cut(text, limit)


def _assembled(
    report: Report, parts: Sequence[_Part], change: Change | None, rows: int, details: int
) -> str:
    blocks = [_first(report, change)]
    if rows:
        heading = "| | cause | where | what was seen |\n|---|---|---|---|\n"
        blocks.append(heading + "".join(part.row for part in parts[:rows]).rstrip("\n"))
    if rows < len(parts):
        blocks.append(f"{wording.counted(len(parts) - rows, 'finding')} left out for size.")
    elif details < len(parts):
        missing = wording.counted(len(parts) - details, "finding")
        blocks.append(f"Details of the last {missing} left out for size.")
    if change is not None and change.fixed:
        blocks.append("Fixed: " + ", ".join(map(code, change.fixed)) + ".")
    if doubts := wording.doubts(report):
        listed = "\n".join(f"- {prose(doubt)}" for doubt in doubts)
        blocks.append(f"### What could make this verdict meaningless\n\n{listed}")
    if report.run.output_tail:
        tail = "\n".join(map(wording.last_drawn, report.run.output_tail))
        blocks.append(_folded("Last output of the script", fence(tail)))
    blocks += [part.details for part in parts[:details]]
    if unchecked := wording.unchecked(report):
        title = f"Not checked: {len(unchecked)} of {wording.selected(report)}"
        listed = "\n".join(f"- {code(name)}: {prose(reason)}" for name, reason in unchecked)
        blocks.append(_folded(title, listed))
    blocks += [_footer(report), marker(report)]
    return "\n\n".join(blocks) + "\n"


def _first(report: Report, change: Change | None) -> str:
    """The verdict, on the first line."""
    said = wording.verdict(report)
    if change is not None:
        said = f"{change.words} {said}"
    rest = wording.header(report).split("  ")[2:]
    about = ", ".join([code(report.target), *map(prose, rest)])
    if report.verdict == "healthy" and report.run.headline:
        about += f". {prose(report.run.headline.rstrip('.'))}"
    return f"**{prose(said)}** {about}."


def _row(finding: Finding, symptoms: list[Finding], report: Report, change: Change | None) -> str:
    place = wording.place(finding, report)
    severity = str(finding.severity)
    if change is not None:
        severity += " (new)" if finding in change.new else " (unchanged)"
    seen = prose(finding.message)
    if symptoms:
        seen += f"; explains {', '.join(code(s.name, table=True) for s in symptoms)}"
    where = code(f"{place.path}:{place.line}", table=True)
    return f"| {severity} | {code(finding.name, table=True)} | {where} | {seen} |\n"


def _details(finding: Finding, symptoms: list[Finding], report: Report) -> str:
    blocks = []
    if source := paint(excerpt(finding, None, report.sources), color=False):
        blocks.append(fence(source.rstrip("\n")))
    if finding.evidence:
        rows = "".join(
            f"\n| {prose(r.name)} | {prose(r.measured)} | {prose(r.expected)} |"
            for r in finding.evidence
        )
        blocks.append(f"| evidence | measured | expected |\n|---|---|---|{rows}")
    if symptoms:
        listed = [
            f"- {code(s.name)}: {prose(s.message)}"
            + "".join(f"; {prose(wording.evidence(row))}" for row in s.evidence[:1])
            for s in symptoms
        ]
        blocks.append("It explains:\n\n" + "\n".join(listed))
    if finding.remedy:
        blocks.append(f"Remedy: {prose(finding.remedy.advice)}.")
        if finding.remedy.diff:
            blocks.append(fence(finding.remedy.diff, "diff"))
    tried = wording.verification(finding, report)
    if tried:
        blocks.append(f"{tried[0].upper()}{tried[1:]}.")
    blocks.append(f"Read: {code(f'mldoctor explain {finding.name}')}")
    return _folded(": ".join(wording.headline(finding)), "\n\n".join(blocks))


def _folded(title: str, body: str) -> str:
    shown = html.escape(clean(title)).replace("@", f"@{_ZERO_WIDTH}")
    return f"<details>\n<summary>{shown}</summary>\n\n{body}\n\n</details>"


def _footer(report: Report) -> str:
    version = prose(report.versions.get("mldoctor", ""))
    share = code(wording.to_share(report))
    return f"mldoctor {version}. Is a finding wrong? Report it with the output of {share}."


def marker(report: Report) -> str:
    """A comment nobody sees, by which an action finds the comment that it is to update."""
    target = quote(report.target.encode("utf-8", "backslashreplace")).replace("--", "%2D%2D")
    return f"<!-- mldoctor:{target} -->"


def prose(text: str) -> str:
    """Text that Markdown shows as it is, and that mentions nobody."""
    escaped = _SPECIAL.sub(r"\\\1", html.escape(clean(text), quote=False))
    return escaped.replace("@", f"@{_ZERO_WIDTH}")


def code(text: str, *, table: bool = False) -> str:
    """A code span, whatever backticks the text has; in a table its pipes are escaped as well."""
    text = text_of_span(text)
    ticks = "`" * (_longest(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    shown = text.replace("|", r"\|") if table else text
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def text_of_span(text: str) -> str:
    """Text on one line that can stand in a code span: not empty, which would be no span at all."""
    return clean(text) or " "


def fence(text: str, language: str = "text") -> str:
    """A code block that its own text cannot close."""
    ticks = "`" * max(3, _longest(text) + 1)
    cleaned = "\n".join(map(clean, text.split("\n")))
    return f"{ticks}{language}\n{cleaned}\n{ticks}"


def _longest(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))


def _cut(text: str, limit: int) -> str:
    """The first lines that fit: for a report whose size is not due to its findings."""
    said = "\n\nThe rest is left out for size.\n"
    kept = text.encode("utf-8", "backslashreplace")[: limit - len(said)].decode("utf-8", "ignore")
    return kept.rpartition("\n")[0] + said
