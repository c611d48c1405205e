"""Run the trainee, obtain the facts that the chosen probes need, and send them off."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING, Any

from mldoctor import curves, sizes
from mldoctor.errors import AbsentFact
from mldoctor.examine import LATER_STAGES, judge
from mldoctor.facts.symptoms import Symptoms
from mldoctor.findings import Captured, Run, Severity
from mldoctor.rank import unexplained_symptoms
from mldoctor.record import Record, converter, fact_message
from mldoctor.registry import Cost, needed_facts, select
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mldoctor.registry import Fact, Probe
    from mldoctor.settings import Settings
    from mldoctor.trainee.driver import Driver
    from mldoctor.trainee.later_stages import StagedDriver
    from mldoctor.trainee.process import Target


LATER_SHARE = 0.25
"""Seconds for the later stages of the training, as a share of the budget."""


def observe(
    target: Target,
    settings: Settings,
    send: Callable[[dict[str, Any]], None],
    _clock: Callable[[], float],
) -> None:
    """Examine a script or module in this process: what the worker calls."""
    from mldoctor.trainee import program
    from mldoctor.trainee.reseeding import shifted

    run = program.run_module if target.is_module else program.run_script
    chosen = select((*settings.select, *settings.extend_select), settings.ignore)
    with shifted(target.seed_shift):
        examine_program(
            lambda: run(target.path_or_module, target.arguments), chosen, settings, send
        )


def examine_program(
    program: Callable[[], None],
    chosen: Mapping[str, Probe],
    settings: Settings,
    send: Callable[[dict[str, Any]], None],
) -> Record:
    """Observe `program` and obtain every fact that the probes in `chosen` need.

    Each fact, absence and crash is sent as soon as it is known, so that what was learned survives
    whatever the script does next. What the program trains later is looked at in the end, without
    experiments.
    """
    from mldoctor.trainee.later_stages import StagedDriver

    started = time.monotonic()
    driver = StagedDriver(
        program,
        budget=settings.budget,
        max_updates=settings.max_steps,
        seed=settings.seed,
        progress=_progress(send, started, settings.budget),
    )
    driver.memory_limit = sizes.bytes_of(settings.memory_limit)
    try:
        driver.observe()
        record = facts_of(driver, chosen, settings, started, send)
        # From here on the script may do what it does after its training: it is not waited for.
        send({"kind": "examined", "seconds": max(1.0, settings.budget * LATER_SHARE)})
        _look_further(driver, chosen, record, send)
        return record
    finally:
        driver.stop()


def facts_of(
    driver: Driver,
    chosen: Mapping[str, Probe],
    settings: Settings,
    started: float,
    send: Callable[[dict[str, Any]], None] = lambda _message: None,
) -> Record:
    """Every fact that the probes in `chosen` need of a run that was observed.

    Args:
        driver: holds what was observed.
        chosen: the probes, by name.
        settings: what to run, for how long.
        started: when the observation began, on the monotonic clock.
        send: gets each fact, absence and crash as soon as it is known.
    """
    record = Record()

    def pass_on(message: dict[str, Any]) -> None:
        record.accept(message)
        send(message)

    def note_run() -> None:
        run = _run(driver, settings, time.monotonic() - started)
        record.run = run
        send({"kind": "run", "value": converter().unstructure(run)})

    note_run()
    for kind, fact in needed_facts(chosen, curves.FACTS).items():
        if fact.cost is Cost.TREATMENTS and Symptoms not in record.facts:
            record.facts[Symptoms] = _symptoms(record, chosen, settings)
        driver.stage = _words(fact.name)
        pass_on(_obtained(fact, driver, record))
        if kind is Symptoms:
            continue
        note_run()
    return record


def _look_further(
    driver: StagedDriver,
    chosen: Mapping[str, Probe],
    record: Record,
    send: Callable[[dict[str, Any]], None],
) -> None:
    """Obtain what the tapes of later stages tell, and forward passes of their models.

    Their data was mostly read in the first stage, and their loops cannot be driven.
    """

    def pass_on(stage: int, message: dict[str, Any]) -> None:
        staged = {**message, "later": stage}
        record.accept(staged)
        send(staged)

    wanted = [f for f in needed_facts(chosen).values() if f.cost in (Cost.TAPE, Cost.FORWARDS)]
    try:
        while driver.next_stage():
            stage = driver.stages
            run = Run(updates=driver.natural_updates, step=driver.begun())
            pass_on(stage, {"kind": "run", "value": converter().unstructure(run)})
            for fact in wanted:
                pass_on(stage, _obtained(fact, driver, record.later[stage - 1]))
    except Exception as error:  # noqa: BLE001 - the first stage is examined, and its report stands
        pass_on(driver.stages + 1, _crashed(LATER_STAGES, f"{type(error).__name__}: {error}"))


def _obtained(fact: Fact, driver: Driver, record: Record) -> dict[str, Any]:
    """One fact as a message: its value, why it is absent, or how obtaining it failed."""
    given: list[Any] = []
    for need in fact.needs:
        if need is Trainee:
            given.append(driver)
        elif need in record.facts:
            given.append(record.facts[need])
        elif need.__name__ in record.crashed:
            return _crashed(fact.name, record.crashed[need.__name__])
        else:
            return _absent(fact.name, record.absent.get(need.__name__, "not obtained"))
    if fact.cost > Cost.TAPE and driver.seconds_left() <= 0:
        return _absent(fact.name, "the budget ended before it (--budget)")
    try:
        return fact_message(fact.name, fact.obtain(*given))
    except AbsentFact as reason:
        return _absent(fact.name, str(reason))
    except Exception as error:  # noqa: BLE001 - one fact must not lose the others
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})"
        return _crashed(fact.name, text.replace("\n", " "))


def _absent(name: str, reason: str) -> dict[str, Any]:
    return {"kind": "absent", "name": name, "reason": reason}


def _crashed(name: str, error: str) -> dict[str, Any]:
    return {"kind": "crashed", "name": name, "error": error}


def _symptoms(record: Record, chosen: Mapping[str, Probe], settings: Settings) -> Symptoms:
    report = judge(record, chosen, settings.probes)
    causes = [f for f in report.findings if not f.symptom and f.severity is not Severity.NOTE]
    return Symptoms(unexplained_symptoms(report.findings), tuple(f.name for f in causes))


def _progress(
    send: Callable[[dict[str, Any]], None], started: float, budget: float
) -> Callable[[str, int], None]:
    def progress(stage: str, updates: int) -> None:
        elapsed = time.monotonic() - started
        send(
            {
                "kind": "progress",
                "stage": stage,
                "updates": updates,
                "elapsed": elapsed,
                "budget": budget,
            }
        )

    return progress


def _run(driver: Driver, settings: Settings, seconds: float) -> Run:
    tape = driver.tape
    losses = [e.value for e in tape.of("backward") if e.value is not None]
    places = (e.site for e in tape.of("step", "backward") if e.site is not None)
    step = next(places, None)
    headline = f"Loss {losses[0]:.3g} to {losses[-1]:.3g} in the natural steps." if losses else ""
    return Run(
        updates=driver.natural_updates + driver.driven_updates,
        seconds=seconds,
        device=driver.device(),
        seed=settings.seed,
        captured=Captured(
            models=tuple(
                f"{tape.names.get(id(m), '')}: {type(m).__name__}, "
                f"{sum(p.numel() for p in m.parameters()):,} parameters"
                for m in tape.roots
            ),
            optimizers=tuple(type(o).__name__ for o in tape.optimizers),
            loaders=tuple(
                f"{type(info.loader).__name__} over {type(info.loader.dataset).__name__}"
                for info in tape.loaders
                if info.requests
            ),
        ),
        outcome=driver.outcome(),
        headline=headline,
        step=step.location() if step is not None else None,
    )


def _words(name: str) -> str:
    """A fact's type name as words: `OverfitCurve` is shown as `overfit curve`."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()
