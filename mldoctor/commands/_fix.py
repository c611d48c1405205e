"""`mldoctor check --diff` and `--fix`: show the edits of a report, or apply those that help."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from mldoctor.commands._output import notice, write
from mldoctor.errors import FixError
from mldoctor.verification import edits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mldoctor.edits import Edit
    from mldoctor.findings import Finding, Report
    from mldoctor.settings import Settings

MOST = 10
"""Edits applied in one call: a script that needs more is better looked at by its author."""


def show_patches(report: Report) -> bool:
    """Print every edit as a patch; whether there was any."""
    found = edits(report)
    write("".join(edit.diff for _, edit in found))
    return bool(found)


def fixed(report: Report, settings: Settings, root: Path, examine: Callable[[], Report]) -> Report:
    """Apply edits one at a time, each followed by an examination, until none is left to apply.

    Args:
        report: the first examination, with its edits tried.
        settings: whether unverified edits and uncommitted changes are allowed.
        root: the folder of the project; files outside of it are left alone.
        examine: examines the script anew and tries what edits are left.

    Raises:
        FixError: when a file may not be changed.
    """
    applied: list[Edit] = []
    while len(applied) < MOST:
        edit = next(iter(_wanted(report, settings, applied)), None)
        if edit is None:
            break
        path = Path(edit.path)
        _refuse(path, root, settings, changed_by_us=any(e.path == edit.path for e in applied))
        path.write_bytes(_in_its_own_form(path, edit.after))
        applied.append(edit)
        notice(f"Fixed: {edit.path}")
        report = examine()
    for name in dict.fromkeys(edit.path for edit in applied):
        notice(f"Undo: git checkout -- {name}" if _tracked(Path(name)) else f"Changed: {name}")
    if not applied:
        notice("Nothing was fixed: no edit was shown to help.")
    return report


def _wanted(report: Report, settings: Settings, applied: list[Edit]) -> Iterable[Edit]:
    """The edits that may be applied, in the order of the report, none of them twice."""
    known = {edit.after for edit in applied}
    for finding, edit in edits(report):
        if edit.after not in known and (_helps(finding) or _allowed(finding, settings)):
            yield edit


def _helps(finding: Finding) -> bool:
    return finding.verified is True


def _allowed(finding: Finding, settings: Settings) -> bool:
    return settings.unverified_fixes and finding.verified is not False


def _refuse(path: Path, root: Path, settings: Settings, *, changed_by_us: bool) -> None:
    """Leave alone what is not the project's, and what could not be brought back."""
    whole = path.resolve()
    if not whole.is_relative_to(root.resolve()) or "site-packages" in whole.parts:
        raise FixError(f"{path} is outside the project {root}; --fix changes only files inside it")
    if settings.allow_dirty or changed_by_us:
        return
    if not _tracked(path):
        raise FixError(
            f"{path} is not under version control, so --fix could not be undone; "
            "commit it, or use --diff or --allow-dirty"
        )
    if _git(path, "status", "--porcelain", "--", path.name):
        raise FixError(
            f"{path} has uncommitted changes; commit or stash them, or use --allow-dirty"
        )


def _tracked(path: Path) -> bool:
    return bool(_git(path, "ls-files", "--", path.name))


def _git(path: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - git, with the name of a file that is being examined
            ["git", *arguments],  # noqa: S607 - the git that the user uses
            cwd=path.resolve().parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _in_its_own_form(path: Path, text: str) -> bytes:
    """The text in the encoding and with the line ends that the file has."""
    import io
    import tokenize

    before = path.read_bytes()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(before).readline)
    return (text.replace("\n", "\r\n") if b"\r\n" in before else text).encode(encoding)
