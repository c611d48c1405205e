"""The recorder of loaded weights: which of a checkpoint's tensors found their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from mldoctor.trainee import sites
from mldoctor.trainee.tape import Load

if TYPE_CHECKING:
    from mldoctor.trainee.recorders.session import Session


class WeightRecorder:
    """Watches `load_state_dict` of modules."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._inside = False

    def install(self) -> None:
        """Patch the loading."""
        self.session.patch(nn.Module, "load_state_dict", self._load)

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
