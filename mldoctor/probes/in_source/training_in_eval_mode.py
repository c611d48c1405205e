"""What the source alone shows of `training-in-eval-mode`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.stuck_modes import StuckModes
from mldoctor.facts.in_source.uncalled_methods import UncalledMethods
from mldoctor.findings import Evidence, Finding, Remedy
from mldoctor.probes.named_only import named_only
from mldoctor.registry import reading


@reading("training-in-eval-mode")
def training_in_eval_mode(
    stuck_modes: StuckModes, uncalled_methods: UncalledMethods
) -> Iterator[Finding]:
    """A loop trains, puts the model into evaluation mode, and trains on without `train()`.

    It speaks where the file has dropout or batch normalisation; and of `train` without its parentheses.
    """
    for row in stuck_modes.rows:
        yield Finding(
            f"{row.model} is put into eval mode and trained on",
            evidence=(
                Evidence("line of the backward", str(row.backward.line)),
                Evidence("lines of the loop that call train()", "0", "1 or more"),
            ),
            location=row.location,
            also=row.loop,
            subject=row.model,
            remedy=Remedy(
                f"call {row.model}.train() at the start of each pass over the training data"
            ),
        )
    yield from named_only(uncalled_methods, "train")
