"""What the source alone shows of `evaluating-in-train-mode`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.uncalled_methods import UncalledMethods
from mldoctor.findings import Finding
from mldoctor.probes.named_only import named_only
from mldoctor.registry import reading


@reading("evaluating-in-train-mode")
def evaluating_in_train_mode(uncalled_methods: UncalledMethods) -> Iterator[Finding]:
    """A line names `eval` without its parentheses, and so does nothing."""
    yield from named_only(uncalled_methods, "eval")
