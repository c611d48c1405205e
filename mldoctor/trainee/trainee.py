"""What facts see of the trainee: the recorded tape, and a way to take steps with its own loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import torch
    from torch import Tensor, nn

    from mldoctor.trainee.held_arrays import Held
    from mldoctor.trainee.tape import LossCall, Tape

    Treatment = Callable[["Trainee"], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class FixedSet:
    """A few samples, as the batches that are fed in turn.

    Attributes:
        batches: batches as the loader would yield them; empty for a loop without a loader, whose
            own batch is replayed instead.
        samples: how many different samples they hold, or None when rows could not be told apart.
        tiled: the samples were repeated to fill the loop's own batch size.
    """

    batches: tuple[Any, ...]
    samples: int | None
    tiled: bool = False


@dataclass(slots=True)
class DrivenStep:
    """One optimizer update of the script's own loop on a batch that the doctor chose.

    Attributes:
        held: the loop really worked on that batch; False where it made another one.
    """

    index: int
    loss: float
    calls: list[LossCall] = field(default_factory=list)
    held: bool = True


class Trainee(ABC):
    """Models, optimizers, loaders and the loop that trains them.

    Attributes:
        memory_limit: bytes that the user says training must fit into, None where it runs decides.
    """

    tape: Tape
    memory_limit: int | None = None

    @property
    @abstractmethod
    def models(self) -> Sequence[nn.Module]:
        """Root modules of the live run, in order of first use."""

    @property
    @abstractmethod
    def optimizers(self) -> Sequence[torch.optim.Optimizer]:
        """Optimizers of the live run, in order of construction."""

    @abstractmethod
    def undrivable(self) -> str:
        """Why the loop cannot be fed chosen batches, or an empty text when it can."""

    @abstractmethod
    def failure(self) -> BaseException | None:
        """What the script raised before the doctor was done with it, None while it runs well."""

    @abstractmethod
    def latest_batches(self) -> Sequence[Any]:
        """The batches that were delivered last in the natural steps."""

    @abstractmethod
    def first_batches(self) -> Sequence[Any]:
        """The batches that were delivered first by the loaders that the loop trained on."""

    @abstractmethod
    def held_splits(self) -> Sequence[Held]:
        """What a loop without a loader trains on and then what it evaluates, from its variables."""

    @abstractmethod
    def fixed_set(self, samples: int = 20) -> FixedSet:
        """A set of `samples` samples taken from the batches that the loop trained on.

        Raises:
            AbsentFact: when no batch was seen or the loop cannot be driven.
        """

    @abstractmethod
    def drive(
        self,
        feed: Sequence[Any],
        updates: int,
        treatment: Treatment | None = None,
        seed: int = 0,
    ) -> Iterator[DrivenStep]:
        """Take `updates` updates from the initial state on the batches of `feed`, in turn.

        The state before the first natural update is restored first, random state included, so that
        two drives differ only in what was changed. A `seed` above zero sets the random state to
        another one instead. Rates are held at the planned rate during a
        warm-up. The iteration ends early when the budget does.
        """

    @abstractmethod
    def before_each_step(
        self, action: Callable[[torch.optim.Optimizer], None]
    ) -> AbstractContextManager[None]:
        """Call `action` with every optimizer that is about to step, while the context is open.

        Rates and other options that it changes are put back after the step.
        """

    @abstractmethod
    def after_each_step(
        self, action: Callable[[torch.optim.Optimizer], None]
    ) -> AbstractContextManager[None]:
        """Call `action` with every optimizer that has stepped, while the context is open."""

    @abstractmethod
    def replayed(self) -> Sequence[Any]:
        """What to feed in a drive of a loop without a loader: the cycles that were recorded."""

    @abstractmethod
    def initial_value(self, tensor: Tensor) -> Tensor | None:
        """A parameter or buffer as it was before the first update, None when it was not known."""

    @abstractmethod
    def allow(self, updates: int) -> None:
        """Grant `updates` more than the limit, for a trial that a symptom has called for."""

    @abstractmethod
    def seconds_left(self) -> float:
        """What remains of the budget, in seconds."""
