"""What several readings say of a method that is named and not called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mldoctor.findings import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mldoctor.facts.in_source.uncalled_methods import UncalledMethods


def named_only(uncalled: UncalledMethods, method: str, of: str = "") -> Iterator[Finding]:
    """A finding for each line that names a method without calling it."""
    for row in uncalled.rows:
        if row.method != method or row.of != of:
            continue
        code = f"{row.owner}.{row.method}"
        yield Finding(
            f"{code} is named and not called"[:79],
            evidence=(Evidence("what the line does", "nothing", f"{code}()"),),
            location=row.location,
            subject=code,
            remedy=Remedy(f"write {code}() with its parentheses"),
        )
