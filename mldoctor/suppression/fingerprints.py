"""Fingerprints: what recognises a finding in another run, after lines and figures have moved."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from mldoctor.sources import function_around

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mldoctor.findings import Finding

_DIGITS = 16


def stamped(
    findings: Iterable[Finding], script: str, sources: Mapping[str, str], folder: Path, root: Path
) -> tuple[Finding, ...]:
    """The findings with their functions and fingerprints.

    A fingerprint is made of the name, the path in the project, the enclosing function and the
    object at fault. Where several findings share all of these, a number in the order of the report
    tells them apart.

    Args:
        findings: in the order of the report.
        script: the examined file, for findings without a place.
        sources: texts of the files, by the paths that the findings give.
        folder: the folder that relative paths start from.
        root: the folder of the project.
    """
    seen: Counter[str] = Counter()
    result = []
    for finding in findings:
        place = finding.location
        path = place.path if place else script
        function = function_around(sources.get(path, ""), place.line) if place else ""
        parts = (finding.name, project_path(path, folder, root), function, finding.subject)
        text = "\0".join(parts).encode("utf-8", "backslashreplace")
        digest = hashlib.sha256(text).hexdigest()[:_DIGITS]
        seen[digest] += 1
        result.append(replace(finding, function=function, fingerprint=f"{digest}:{seen[digest]}"))
    return tuple(result)


def project_path(path: str, folder: Path, root: Path) -> str:
    """A path relative to the project, with forward slashes; the same from every working folder."""
    whole = PurePath(os.path.normpath(folder / path))
    if whole.is_relative_to(root):
        return whole.relative_to(root).as_posix()
    # Outside the project the folders on the way differ between machines.
    parts = whole.parts
    if "site-packages" in parts:
        last = len(parts) - 1 - parts[::-1].index("site-packages")
        return "/".join(parts[last:])
    return whole.name
