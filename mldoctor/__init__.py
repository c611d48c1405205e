"""mldoctor, a training doctor for PyTorch and transformers.

Importing it does not import torch: every public name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mldoctor.findings import Evidence, Finding, Location, Remedy, Report, Severity
    from mldoctor.registry import fact, probe
    from mldoctor.trainee.objects import check

__all__ = [
    "Evidence",
    "Finding",
    "Location",
    "Remedy",
    "Report",
    "Severity",
    "check",
    "fact",
    "probe",
]

__version__ = "0.1.0"

_HOMES = {
    "check": "mldoctor.trainee.objects",
    "fact": "mldoctor.registry",
    "probe": "mldoctor.registry",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'mldoctor' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "mldoctor.findings")), name)
