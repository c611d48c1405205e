"""What the trial of treatments costs and names: `python benchmarks/trial_cost.py [FOLDER ...]`.

Every broken script of the clinic whose fault leaves only a symptom is examined. Printed are the
updates and seconds that the trial took, its share of the whole examination, and whether the finding
that stands first is the fault. The last row says how many were named right, otherwise, and not at all.
"""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from mldoctor.examine import judge
from mldoctor.facts.treatment_trial import MOST_UPDATES, TreatmentTrial
from mldoctor.observe import examine_program
from mldoctor.registry import probes, select
from mldoctor.settings import Settings

CLINIC = Path(__file__).resolve().parents[1] / "tests" / "clinic" / "broken"
FOLDERS = (
    "learning-rate-too-high", "learning-rate-too-low", "over-regularised", "decay-too-strong",
    "unscaled-input", "uninformative-labels", "unsafe-half-precision", "extreme-hyperparameter",
)  # fmt: skip


def main() -> None:
    """Examine the scripts of the folders that were named, all of `FOLDERS` by default."""
    print(f"{'script':58} updates seconds  share  first finding")
    folders = sys.argv[1:] or FOLDERS
    rows = [row(script) for name in folders for script in sorted((CLINIC / name).glob("*.py"))]
    taken = [updates for updates, _, _ in rows if updates]
    right = sum(first == name for _, first, name in rows)
    unnamed = sum(first is None or probes()[first].symptom for _, first, _ in rows)
    print(
        f"{len(rows)} scripts: {right} named right, {unnamed} not named, "
        f"{len(rows) - right - unnamed} named otherwise. {len(taken)} trials: "
        f"{median(taken):.0f} updates (median), {max(taken)} at most, {MOST_UPDATES} allowed."
    )


def row(script: Path) -> tuple[int, str | None, str]:
    """Examine one script in this process and print what its trial took."""
    marks: list[tuple[str, float]] = [("", time.monotonic())]

    def note(message: dict[str, Any]) -> None:
        if message["kind"] in ("fact", "absent", "crashed"):
            marks.append((message["name"], time.monotonic()))

    def program() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(str(script), run_name="__main__")

    chosen = select(("all",), ())
    argv, sys.argv = sys.argv, [str(script)]
    with contextlib.redirect_stderr(io.StringIO()):
        record = examine_program(program, chosen, Settings(), note)
    sys.argv = argv
    whole = time.monotonic() - marks[0][1]
    seconds = sum(
        end - start
        for (_, start), (name, end) in pairwise(marks)
        if name == TreatmentTrial.__name__
    )
    first = next((f.name for f in judge(record, chosen, {}).findings), None)
    trial = record.facts.get(TreatmentTrial)
    updates = trial.updates if trial else 0
    name = f"{script.parent.name}/{script.stem}"
    print(f"{name:58} {updates:7} {seconds:7.1f} {seconds / whole:6.0%}  {first or '-'}")
    return updates, first, script.parent.name


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:  # some scripts leave their folders where they run
        os.chdir(folder)
        main()
