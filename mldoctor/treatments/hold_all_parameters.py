"""Unfreeze every parameter of the models in training and let an optimizer step on all of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from mldoctor.trainee.trainee import Trainee

FREE = 0.5
"""A model of which a smaller share is trained is mostly frozen."""


@contextmanager
def hold_all_parameters(trainee: Trainee) -> Iterator[None]:
    """Beside the script's optimizer, step one of the same kind on whatever it leaves out."""
    models = list(trainee.models)
    optimizer = next(iter(trainee.optimizers), None)
    if optimizer is None:
        yield
        return
    frozen = [p for m in models for p in m.parameters() if not p.requires_grad]
    floating = [p for p in frozen if p.is_floating_point()]
    for parameter in floating:
        parameter.requires_grad_(True)
    held = {id(p) for o in trainee.optimizers for g in o.param_groups for p in g["params"]}
    left_out = list(
        {id(p): p for m in models for p in m.parameters() if id(p) not in held}.values()
    )
    extra = _alike(optimizer, left_out) if left_out else None

    def step(_stepping: torch.optim.Optimizer) -> None:
        if extra is not None:
            extra.step()
            extra.zero_grad(set_to_none=False)

    try:
        with trainee.before_each_step(step):
            yield
    finally:
        for parameter in floating:
            parameter.requires_grad_(False)


def mostly_frozen(trainee: Trainee) -> bool:
    """Whether most of a model that is in training keeps its values, as nothing may change them."""
    held = {id(p) for o in trainee.tape.optimizers for g in o.param_groups for p in g["params"]}
    for model in trainee.tape.roots:
        free = {id(p): p.numel() for p in model.parameters() if p.requires_grad and id(p) in held}
        size = sum(p.numel() for p in model.parameters() if p.is_floating_point())
        if free and sum(free.values()) < FREE * size:
            return True
    return False


def _alike(
    optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter]
) -> torch.optim.Optimizer:
    """An optimizer of the same class and options as the script's, over other parameters."""
    import torch

    options = {
        k: v
        for k, v in optimizer.param_groups[0].items()
        if k in optimizer.defaults and k != "params"
    }
    try:
        return type(optimizer)(parameters, **options)
    except TypeError:  # an optimizer whose constructor takes more than its options
        return torch.optim.Adam(parameters, lr=options.get("lr", 1e-3))
