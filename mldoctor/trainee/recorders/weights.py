"""The recorder of weights: what a checkpoint filled, and which layers were given one tensor."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from mldoctor.trainee import sites
from mldoctor.trainee.tape import Load, Tie

if TYPE_CHECKING:
    from mldoctor.trainee.recorders.session import Session


class WeightRecorder:
    """Watches `load_state_dict` of modules, and the parameters that they are given."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._inside = False
        self._owners: dict[int, tuple[weakref.ref[Tensor], weakref.ref[nn.Module]]] = {}

    def install(self) -> None:
        """Patch the loading and the registering."""
        self.session.patch(nn.Module, "load_state_dict", self._load)
        self.session.patch(nn.Module, "register_parameter", self._register)

    def _register(self, original: Any) -> Any:
        def register(module: nn.Module, name: str, param: Any) -> None:
            original(module, name, param)
            if isinstance(param, Tensor) and self.session.live():
                self._note_owner(module, param)

        return register

    def _note_owner(self, module: nn.Module, tensor: Tensor) -> None:
        """Remember who was given a tensor first, and who was given the same one later."""
        known = self._owners.get(id(tensor))
        if known is None or known[0]() is not tensor:
            self._owners[id(tensor)] = weakref.ref(tensor), weakref.ref(module)
            return
        first = known[1]()
        if first is not None and first is not module:
            tie = Tie(known[1], weakref.ref(module), sites.current_site())
            self.session.tape.ties.append(tie)

    def _load(self, original: Any) -> Any:
        def load(module: nn.Module, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
            if self._inside or not self.session.live():
                return original(module, state_dict, *args, **kwargs)
            own = {k: tuple(v.shape) for k, v in module.state_dict().items() if _is_tensor(v)}
            given = {k: tuple(v.shape) for k, v in dict(state_dict).items() if _is_tensor(v)}
            self._inside = True
            try:
                result = original(module, state_dict, *args, **kwargs)
            finally:
                self._inside = False
            self.session.tape.loads.append(Load(module, own, given, sites.current_site()))
            return result

        return load


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)
