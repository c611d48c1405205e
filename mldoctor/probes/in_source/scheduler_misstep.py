"""What the source alone shows of `scheduler-misstep`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.idle_tools import IdleTools
from mldoctor.facts.in_source.uncalled_methods import UncalledMethods
from mldoctor.findings import Evidence, Finding, Remedy
from mldoctor.probes.named_only import named_only
from mldoctor.registry import reading


@reading("scheduler-misstep")
def scheduler_misstep(
    idle_tools: IdleTools, uncalled_methods: UncalledMethods
) -> Iterator[Finding]:
    """A schedule is built beside a training loop and never steps.

    No line of the file steps it or hands it on; or `step` stands there without its parentheses.
    """
    for tool in idle_tools.rows:
        if tool.kind != "scheduler":
            continue
        yield Finding(
            f"{tool.built} is built and never steps",
            evidence=(Evidence(f"lines that step {tool.name} or hand it on", "0", "1 or more"),),
            location=tool.location,
            also=tool.backward,
            subject=tool.name,
            remedy=Remedy(
                f"call {tool.name}.step() once for each epoch or update, as its schedule counts"
            ),
        )
    yield from named_only(uncalled_methods, "step", of="scheduler")
