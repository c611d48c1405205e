"""The recorder of differences: what squared and absolute errors are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mldoctor.trainee import handwritten, sites

if TYPE_CHECKING:
    from mldoctor.trainee.recorders.session import Session


class DifferenceRecorder:
    """Watches what the script subtracts in its natural steps."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def install(self) -> None:
        """Patch every way to subtract one tensor from another."""
        for owner in (Tensor, torch):
            for name in ("sub", "subtract"):
                self.session.patch(owner, name, self._difference)
        self.session.patch(Tensor, "__sub__", self._difference)

    def _difference(self, original: Any) -> Any:
        def difference(left: Any, right: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(left, right, *args, **kwargs)
            tensors = isinstance(left, Tensor) and isinstance(right, Tensor)
            if tensors and left.requires_grad != right.requires_grad and self._watching():
                handwritten.note_difference(left, right, result, sites.current_site())
            return result

        return difference

    def _watching(self) -> bool:
        return self.session.tape.recording and self.session.live()
