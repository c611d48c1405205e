"""Let a script that sets its own seeds run on other ones: what a verification repeats it with."""

from __future__ import annotations

import random
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def shifted(by: int) -> Iterator[None]:
    """Add `by` to every whole number that is given to a seeding function; 0 changes nothing."""
    import torch

    places = (
        (torch, "manual_seed"), (torch.random, "manual_seed"), (torch.cuda, "manual_seed"),
        (torch.cuda, "manual_seed_all"), (np.random, "seed"), (np.random, "default_rng"),
        (random, "seed"),
    )  # fmt: skip
    with ExitStack() as stack:
        for owner, name in places if by else ():
            original = getattr(owner, name)
            stack.callback(setattr, owner, name, original)
            setattr(owner, name, _shifted(original, by))
        yield


def _shifted(original: Callable[..., Any], by: int) -> Callable[..., Any]:
    def seed(*args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], int) and not isinstance(args[0], bool):
            args = (args[0] + by, *args[1:])
        elif isinstance(kwargs.get("seed"), int):
            kwargs["seed"] += by
        return original(*args, **kwargs)

    return seed
