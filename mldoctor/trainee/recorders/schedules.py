"""The recorder of learning-rate schedules: when they were built, and every step they take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.optim import lr_scheduler

from mldoctor.trainee import sites
from mldoctor.trainee.tape import Construction

if TYPE_CHECKING:
    from mldoctor.trainee.recorders.session import Session


class ScheduleRecorder:
    """Watches schedulers being built and stepped, those of the script's own classes too."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._patched: set[type] = set()
        self._building: list[Any] = []
        self._stepping: list[Any] = []

    def install(self) -> None:
        """Patch construction, and the steps of the classes that are known so far."""
        self.session.patch(lr_scheduler.LRScheduler, "__init__", self._init)
        self.session.patch(lr_scheduler.ReduceLROnPlateau, "__init__", self._init)
        for kind in subclasses(lr_scheduler.LRScheduler):
            self._patch_step(kind)

    def _patch_step(self, kind: type) -> None:
        if "step" in vars(kind) and kind not in self._patched:
            self._patched.add(kind)
            self.session.patch(kind, "step", self._step)

    def _init(self, original: Any) -> Any:
        def init(scheduler: Any, *args: Any, **kwargs: Any) -> None:
            if not self.session.live() or scheduler in self._building:
                original(scheduler, *args, **kwargs)
                return
            for kind in type(scheduler).__mro__:
                if issubclass(kind, lr_scheduler.LRScheduler):
                    self._patch_step(kind)  # a class of the script, defined after the recorders
            tape = self.session.tape
            tape.schedulers.append(scheduler)
            tape.scheduler_births.append(
                Construction(tape.updates, sites.current_site(), sites.call_chain())
            )
            self._building.append(scheduler)
            try:
                original(scheduler, *args, **kwargs)
            finally:
                self._building.remove(scheduler)

        return init

    def _step(self, original: Any) -> Any:
        def step(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
            if not self.session.live() or any(scheduler is s for s in self._stepping):
                return original(scheduler, *args, **kwargs)  # its own `super().step()`
            inner = bool(self._stepping)
            self._stepping.append(scheduler)
            try:
                result = original(scheduler, *args, **kwargs)
            finally:
                self._stepping.pop()
            if any(scheduler is known for known in self.session.tape.schedulers):
                self._note(scheduler, inner=inner)
            return result

        return step

    def _note(self, scheduler: Any, *, inner: bool) -> None:
        known = self.session.tape.schedulers
        self.session.event(
            "scheduler",
            who=next(i for i, s in enumerate(known) if s is scheduler),
            details={
                "rates": [float(g["lr"]) for g in scheduler.optimizer.param_groups],
                "class": type(scheduler).__name__,
                "initial": any(scheduler is s for s in self._building),
                "inner": inner,
            },
        )


def subclasses(kind: type[Any]) -> list[type[Any]]:
    """A class and everything derived from it so far."""
    found = [kind]
    children: list[type[Any]] = kind.__subclasses__()
    for child in children:
        found.extend(subclasses(child))
    return found
