"""What a report that leaves the machine must not tell: paths, people, hosts, data, environment."""

from __future__ import annotations

import getpass
import os
import platform
import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor.findings import Crashed, Evidence, Finding, Report, Skipped, Suppressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_PART = r"[^\s/\\:\"'<>|*?,;()\[\]]"
_PATH = re.compile(rf"(?<![\w.:/<~])(?:[A-Za-z]:)?(?:[/\\]{_PART}+)+[/\\](?P<name>{_PART}*)")
_RAISED = re.compile(r"(raised [\w.]+).*", re.DOTALL)
_SHORTEST = 8
"""Shorter values of variables are words such as "xterm" that stand in any text."""

# Where these stand in a text they are paths, and are shortened as paths.
_NOT_SECRET = {"HOME", "PWD", "OLDPWD", "PATH", "SHELL", "_", "TERM", "LANG", "LC_ALL", "COLORTERM"}

# Names from mldoctor's own vocabulary, which no text from outside can reach.
_KEPT = {
    Finding: {"name", "family", "fingerprint", "explains", "explained_by"},
    Skipped: {"name"},
    Crashed: {"name"},
    Suppressed: {"by"},
    Report: {"verdict", "passed"},
}


def without_samples(report: Report) -> Report:
    """The report without evidence that quotes training data."""

    def bare(finding: Finding) -> Finding:
        return replace(finding, evidence=tuple(map(_bare, finding.evidence)))

    return replace(
        report,
        findings=tuple(map(bare, report.findings)),
        suppressed=tuple(replace(s, finding=bare(s.finding)) for s in report.suppressed),
    )


def _bare(row: Evidence) -> Evidence:
    if not row.sample:
        return row
    return replace(row, measured="(training data; --include-examples shows it)")


def redacted(report: Report, environ: Mapping[str, str] | None = None) -> Report:
    """The report as it may be sent to a stranger.

    Removed are absolute paths (the file's own name stays), names of user and host, values of
    environment variables, arguments of the script, its output, texts of its exceptions, and
    evidence that quotes training data. Source lines stay, with the same replacements.
    """
    report = without_samples(report)
    run = report.run
    lines = len(run.output_tail)
    told = (f"({lines} lines left out)",) if lines else ()
    run = replace(run, output_tail=told, outcome=_RAISED.sub(r"\1", run.outcome))
    report = replace(report, run=run, command=_without_values(report.command))
    keep = {report.target, *report.sources}
    changes = _changes(os.environ if environ is None else environ, keep)

    def change(text: str) -> str:
        for pattern, replacement in changes:
            text = pattern.sub(replacement, text)
        return text

    shown: Report = _mapped(report, change)
    return shown


def _changes(
    environ: Mapping[str, str], keep: Iterable[str]
) -> list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]]:
    """What is replaced by what, in this order: variables may hold paths, paths hold user names."""
    keep = set(keep)
    values = {
        value: name
        for name, value in environ.items()
        if len(value) >= _SHORTEST
        and name not in _NOT_SECRET
        and not name.startswith("MLDOCTOR_")
        and value not in keep
    }
    found: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
        (_word(value), f"<${name}>") for value, name in sorted(values.items(), key=_longest_first)
    ]
    found.append((re.compile(re.escape(str(Path.cwd()) + os.sep)), ""))
    found.append((re.compile(re.escape(str(Path.home())) + r"(?![\w-])"), "~"))
    found.append((_PATH, lambda match: f"<path>/{match['name']}"))
    for name, shown in ((_user(), "<user>"), (platform.node(), "<host>")):
        if name:
            found.append((_word(name), shown))
    return [(p, r.replace("\\", r"\\") if isinstance(r, str) else r) for p, r in found]


def _longest_first(item: tuple[str, str]) -> tuple[int, str]:
    return -len(item[0]), item[0]


def _word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(text)}(?![\w-])")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without an entry for its user
        return ""


def _without_values(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command with the script's arguments by name only: any of them may hold a token."""
    if "--" not in command:
        return command
    at = command.index("--") + 1
    return (*command[:at], *(_argument(word) for word in command[at:]))


def _argument(word: str) -> str:
    if not word.startswith("-"):
        return "<value>"
    name, equals, _ = word.partition("=")
    return f"{name}=<value>" if equals else name


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """The value with every text in it changed, fields of our own vocabulary apart."""
    if type(value) is str:  # not an enumeration
        return change(value)
    if isinstance(value, tuple):
        return tuple(_mapped(item, change) for item in value)
    if isinstance(value, dict):
        return {_mapped(key, change): _mapped(item, change) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        kept = _KEPT.get(type(value), set())
        parts = {
            part.name: _mapped(getattr(value, part.name), change)
            for part in fields(value)
            if part.name not in kept
        }
        return replace(value, **parts)
    return value
