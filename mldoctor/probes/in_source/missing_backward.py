"""What the source alone shows of `missing-backward`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.uncalled_methods import UncalledMethods
from mldoctor.findings import Finding
from mldoctor.probes.named_only import named_only
from mldoctor.registry import reading


@reading("missing-backward")
def missing_backward(uncalled_methods: UncalledMethods) -> Iterator[Finding]:
    """A line names `backward` without its parentheses, and so does nothing."""
    yield from named_only(uncalled_methods, "backward")
