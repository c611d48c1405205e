"""The recorder of likelihoods: what the distributions of torch say about the data of the script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, distributions

from mldoctor.trainee import sites
from mldoctor.trainee.tape import Likelihood

if TYPE_CHECKING:
    from collections.abc import Callable

    from mldoctor.trainee.recorders.session import Session

CALLS = 16
"""Calls that are kept: the first updates of any loop."""


class LikelihoodRecorder:
    """Watches `log_prob` of values that are given, under parameters that are learned."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._inside = False

    def install(self) -> None:
        """Patch every distribution that has a density of its own."""
        for name in distributions.__all__:
            kind = getattr(distributions, name)
            if isinstance(kind, type) and "log_prob" in vars(kind):
                self.session.patch(kind, "log_prob", self._log_prob)

    def _log_prob(self, original: Any) -> Any:
        def log_prob(distribution: Any, value: Any) -> Any:
            if self._inside or not (self.session.live() and self.session.tape.recording):
                return original(distribution, value)
            self._inside = True
            try:
                result = original(distribution, value)
            finally:
                self._inside = False
            if isinstance(value, Tensor) and isinstance(result, Tensor):
                self._note(value, result)
            return result

        return log_prob

    def _note(self, value: Tensor, result: Tensor) -> None:
        if value.requires_grad or not result.requires_grad or not torch.is_grad_enabled():
            return
        if len(self.session.tape.likelihoods) >= CALLS:
            return
        made = Likelihood(sites.current_site(), value.detach())
        self.session.tape.likelihoods.append(made)
        result.register_hook(self._note_sign(made))  # type: ignore[no-untyped-call]

    def _note_sign(self, made: Likelihood) -> Callable[[Tensor], None]:
        def note(gradient: Tensor) -> None:
            if self.session.in_backward and bool((gradient != 0).any()):
                lowered = bool((gradient >= 0).all())
                raised = bool((gradient <= 0).all())
                made.signs.append(1 if raised else -1 if lowered else 0)

        return note
