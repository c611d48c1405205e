"""Leave dropout and weight decay out."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from mldoctor.treatments.no_weight_decay import no_weight_decay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mldoctor.trainee.trainee import Trainee


@contextmanager
def no_regularisation(trainee: Trainee) -> Iterator[None]:
    """Train with every dropout layer at zero and a weight decay of zero; both are put back."""
    from torch import nn

    with ExitStack() as stack:
        for model in trainee.models:
            for module in model.modules():
                if isinstance(module, nn.modules.dropout._DropoutNd):  # noqa: SLF001 - the base of every dropout
                    stack.callback(setattr, module, "p", module.p)
                    module.p = 0.0
                elif isinstance(module, nn.RNNBase) and module.dropout:
                    stack.callback(setattr, module, "dropout", module.dropout)
                    module.dropout = 0.0
        stack.enter_context(no_weight_decay(trainee))
        yield


def is_regularised(trainee: Trainee) -> bool:
    """Whether a model in training has a dropout above zero."""
    from torch import nn

    dropouts = (
        module.p if isinstance(module, nn.modules.dropout._DropoutNd) else module.dropout  # noqa: SLF001 - the base of every dropout
        for model in trainee.tape.roots
        for module in model.modules()
        if isinstance(module, nn.modules.dropout._DropoutNd | nn.RNNBase)  # noqa: SLF001 - as above
    )
    return any(dropouts)
