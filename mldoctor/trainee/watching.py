"""Watch the tensor operations of the script for the first that leaves the finite numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from mldoctor.trainee import sites

if TYPE_CHECKING:
    from mldoctor.findings import Location

_OPERATIONS = {
    "log": "logarithm", "log2": "logarithm", "log10": "logarithm", "log1p": "logarithm",
    "log_": "logarithm", "div": "division", "true_divide": "division", "divide": "division",
    "div_": "division", "__truediv__": "division", "__rtruediv__": "division",
    "__itruediv__": "division", "sqrt": "square root", "rsqrt": "reciprocal root",
    "reciprocal": "reciprocal", "pow": "power", "__pow__": "power", "__rpow__": "power",
    "std": "standard deviation", "var": "variance", "exp": "exponential", "acos": "arc cosine",
    "asin": "arc sine", "atanh": "inverse hyperbolic tangent", "logsumexp": "log-sum-exp",
}  # fmt: skip
MOST = 32

TINY = 1e-20
"""Denominators above this make Inf only of a numerator that has run away already."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An operation with finite operands and a result that is not."""

    operation: str
    entries: int
    nan: bool
    location: Location | None


class FirstBad(TorchFunctionMode):
    """Notes the first operations of the script's own lines that leave the finite numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.hits: list[Hit] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = _OPERATIONS.get(getattr(func, "__name__", ""))
        if name is None or not isinstance(result, Tensor) or len(self.hits) >= MOST:
            return result
        with torch._C.DisableTorchFunction(), torch.no_grad():  # noqa: SLF001 - the look is not the script's
            if result.is_floating_point() and not bool(result.isfinite().all()):
                given = [a for a in args if isinstance(a, Tensor) and a.is_floating_point()]
                if all(bool(a.isfinite().all()) for a in given) and not _overflow(
                    name, args, result
                ):
                    site = sites.current_site()
                    if site is not None:
                        bad = int((~result.isfinite()).sum())
                        nan = bool(result.isnan().any())
                        self.hits.append(Hit(name, bad, nan, site.location()))
        return result


def _overflow(name: str, args: Any, result: Tensor) -> bool:
    """Whether the result is Inf because the operands have run away, not because of where they stand."""
    other = args[1] if len(args) > 1 else None
    if name == "power":
        return isinstance(other, int | float) and other >= 1
    if name == "division" and isinstance(other, Tensor):
        return bool((other.abs() > TINY).all())
    return name in ("variance", "standard deviation") and not bool(result.isnan().any())
