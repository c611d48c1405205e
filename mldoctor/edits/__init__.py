"""Edits of the source that carry out a remedy: found from the code, shown as a diff, tried, applied.

Each edit takes the file that a finding points at and gives its new text, or nothing where the code
is not of a form that it knows. An edit never has to be right: `mldoctor.verification` runs the
patched script, and only what helped there is called verified.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import unified_diff
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mldoctor.edits.source import Source
    from mldoctor.findings import Finding, Report

    Rewrite = Callable[[Source, Finding], str | None]


@dataclass(frozen=True, slots=True)
class Edit:
    """A new text for one file.

    Attributes:
        path: the file, as the report shows it.
    """

    path: str
    before: str
    after: str

    @property
    def diff(self) -> str:
        """The change as a unified diff that `patch -p1` and `git apply` take."""
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in unified_diff(
                self.before.splitlines(keepends=True),
                self.after.splitlines(keepends=True),
                f"a/{self.path.lstrip('/')}",
                f"b/{self.path.lstrip('/')}",
            )
        )


def edit_for(finding: Finding, sources: Mapping[str, str]) -> Edit | None:
    """The edit that carries out the remedy of a finding, where there is one."""
    text = sources.get(finding.location.path, "") if finding.location else ""
    if finding.name not in EDITS or finding.location is None or not text:
        return None
    import libcst

    from mldoctor.edits.source import Source

    module, _, name = EDITS[finding.name].partition(":")
    rewrite: Rewrite = getattr(import_module(f"mldoctor.edits.{module}"), name)
    try:
        after = rewrite(Source(text), finding)
    except libcst.ParserSyntaxError:
        return None
    if after is None or after == text:
        return None
    return Edit(finding.location.path, text, after)


def with_diffs(report: Report) -> Report:
    """The report with the edit of each finding in its remedy."""
    return replace(report, findings=tuple(_with_diff(f, report.sources) for f in report.findings))


def _with_diff(finding: Finding, sources: Mapping[str, str]) -> Finding:
    if finding.remedy is None:
        return finding
    edit = edit_for(finding, sources)
    if edit is None:
        return finding
    return replace(finding, remedy=replace(finding.remedy, diff=edit.diff))


EDITS = {
    "missing-zero-grad": "loop_order:clear_after_step",
    "missing-step": "loop_order:step_after_backward",
    "cleared-gradients": "loop_order:clear_behind_step",
    "clip-without-effect": "loop_order:clip_before_step",
    "training-in-eval-mode": "loop_order:train_before_loop",
    "inverted-loss": "loop_order:positive_loss",
    "learning-rate-too-high": "arguments:other_rate",
    "learning-rate-too-low": "arguments:other_rate",
    "unshuffled-training": "arguments:shuffle",
    "starved-loader": "arguments:keep_last",
    "batch-mixing": "arguments:batch_first",
    "softmax-over-wrong-axis": "arguments:softmax_axis",
    "loss-input-mismatch": "arguments:class_loss_of_scores",
    "target-shape": "arguments:squeezed",
    "stale-optimizer": "statements:optimizer_after_model",
    "optimizer-missing-parameters": "statements:optimizer_over_model",
    "frozen-model": "statements:unfrozen",
    "frozen-head": "statements:unfrozen",
    "repeated-randomness": "statements:without_seed",
    "double-softmax": "statements:without_normaliser",
}
"""The edit for each finding that has one, as module and function: libcst is only imported for them."""
