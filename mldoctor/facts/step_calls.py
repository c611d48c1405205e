"""Whether the script holds calls of a `step` that were not reached while it was observed."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from mldoctor import sources

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Tape


def unobserved_steps(tape: Tape) -> bool:
    """Whether a line with `.step(` in the files of the loop was not seen to step anything.

    The call may come later (after a warm-up, at the end of a real epoch), so that what was not seen
    cannot be called missing.
    """
    seen = {
        (e.site.path, e.site.line) for e in tape.of("step", "scheduler", "scaler_step") if e.site
    }
    files = {e.site.path for e in tape.events if e.site}
    for path in files:
        parsed = sources.tree(sources.read(Path(path)))
        if parsed is None:
            return True
        for node in ast.walk(parsed):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and "step" in node.func.attr
                and not any((path, line) in seen for line in _lines(node))
            ):
                return True
    return False


def _lines(node: ast.Call) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)
