"""The recorder of kept weights: state dictionaries that outlive the moment they were made at."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mldoctor.trainee import sites
from mldoctor.trainee.movement import sampled
from mldoctor.trainee.tape import KeptState

if TYPE_CHECKING:
    from mldoctor.trainee.recorders.session import Session

LATEST = 32
"""State dictionaries that are followed."""


class CheckpointRecorder:
    """Watches `state_dict` of modules, and what is saved."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._inside = False

    def install(self) -> None:
        """Patch the making and the saving of state dictionaries."""
        self.session.patch(nn.Module, "state_dict", self._state_dict)
        self.session.patch(torch, "save", self._save)

    def _state_dict(self, original: Any) -> Any:
        def state_dict(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            tape = self.session.tape
            if self._inside or not tape.recording or not tape.updates or not self.session.live():
                return original(module, *args, **kwargs)
            self._inside = True
            try:
                result = original(module, *args, **kwargs)
            finally:
                self._inside = False
            self._follow(result)
            return result

        return state_dict

    def _follow(self, made: Any) -> None:
        tensors = [v for v in made.values() if isinstance(v, Tensor) and v.is_floating_point()]
        widest = max(tensors, key=lambda t: t.numel(), default=None)
        if widest is None or widest.layout is not torch.strided:
            return
        tape = self.session.tape
        tape.states.append(
            KeptState(weakref.ref(widest), tape.updates, sites.current_site(), sampled(widest))
        )
        del tape.states[:-LATEST]

    def _save(self, original: Any) -> Any:
        def save(*args: Any, **kwargs: Any) -> Any:
            if self.session.live():
                self.session.tape.saves.append(self.session.tape.updates)
            return original(*args, **kwargs)

        return save
