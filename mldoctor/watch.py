"""Watch a training loop that runs in this process: what the pytest fixture's `watch` does."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mldoctor.errors import MldoctorError, SettingsError
from mldoctor.findings import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from torch import nn

    from mldoctor.case import Case
    from mldoctor.findings import Report
    from mldoctor.record import Record
    from mldoctor.settings import Settings
    from mldoctor.trainee.watched import Watched


BEFORE = ("unseeded-run",)
"""Probes that judge what a script does before it trains, of which a block shows nothing."""


class Watch:
    """What a watched block gives: its report, once it has ended."""

    def __init__(self) -> None:
        self._report: Report | None = None

    @property
    def report(self) -> Report:
        """What was seen in the block.

        Raises:
            MldoctorError: inside of the block.
        """
        if self._report is None:
            raise MldoctorError("the report of watch is there when its block has ended")
        return self._report


@contextmanager
def watch(
    model: nn.Module, optimizer: torch.optim.Optimizer, settings: Settings, place: Path
) -> Iterator[Watch]:
    """Record what the block does with a model and its optimizer, and judge it at its end.

    The block gets the same batches, gradients and random numbers as without. An exception of the
    block passes through; the report on what was seen until then is there all the same.

    Args:
        model: what the block trains.
        optimizer: what it trains it with.
        settings: what to look for.
        place: the file that the block stands in.

    Raises:
        MldoctorError: when model or optimizer is something else.
        SettingsError: when no probe is selected.
    """
    import torch

    from mldoctor import sizes
    from mldoctor.registry import select
    from mldoctor.trainee.watched import Watched

    for given, kind in ((model, torch.nn.Module), (optimizer, torch.optim.Optimizer)):
        if not isinstance(given, kind):
            raise MldoctorError(
                f"cannot watch a {type(given).__name__} as {kind.__name__}; "
                "watch takes a model and its optimizer"
            )
    chosen = select((*settings.select, *settings.extend_select), settings.ignore)
    if not chosen:
        raise SettingsError("no probe is selected; select and ignore leave none to run")
    watched = Watched(
        lambda: None, budget=settings.budget, max_updates=settings.max_steps, seed=settings.seed
    )
    watched.memory_limit = sizes.bytes_of(settings.memory_limit)
    result, started = Watch(), time.monotonic()
    try:
        with watched.recorded():
            yield result
    finally:
        result._report = _report(watched, optimizer, settings, place, started)  # noqa: SLF001 - made here


def _report(
    watched: Watched,
    optimizer: torch.optim.Optimizer,
    settings: Settings,
    place: Path,
    started: float,
) -> Report:
    from mldoctor.case import report_of
    from mldoctor.checkup import with_sources
    from mldoctor.observe import facts_of
    from mldoctor.registry import select

    chosen = select((*settings.select, *settings.extend_select), settings.ignore)
    record = facts_of(watched, chosen, settings, started)
    used = any(known is optimizer for known in watched.tape.optimizers)
    other = "" if used else "the block took its steps with another optimizer"
    record.run = replace(
        record.run,
        outcome=record.run.outcome or other,
        seed=None,  # random state is the test's own affair
    )
    case = _case(record, tuple(n for n in chosen if n not in BEFORE), settings, place)
    report = report_of(with_sources(case, place, place.parent))
    unseen = tuple(
        Skipped(n, "what ran before the block was not seen") for n in chosen if n in BEFORE
    )
    return replace(report, not_checked=(*report.not_checked, *unseen))


def _case(record: Record, chosen: tuple[str, ...], settings: Settings, place: Path) -> Case:
    from mldoctor import versions
    from mldoctor.case import Case, near
    from mldoctor.configuration import project_root
    from mldoctor.suppression.rules import Rules

    folder = Path.cwd()
    shown = near(str(place.absolute()), folder)
    return Case(
        target=shown,
        script=shown,
        record=record,
        chosen=chosen,
        options=settings.probes,
        rules=Rules(settings.accept, settings.per_file_ignores),
        command=("pytest", shown),
        versions=versions.every(),
        folder=str(folder),
        root=str(project_root(place.parent)),
    )
