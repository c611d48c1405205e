"""Versions of mldoctor and of the libraries it stands on, without importing any of them."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = ("torch", "numpy", "transformers", "lightning", "accelerate", "scikit-learn", "pandas")


def tool() -> str:
    """The version of mldoctor; of a source tree that is not installed, "0+source"."""
    return _version("mldoctor") or "0+source"


def every() -> dict[str, str]:
    """mldoctor, Python, and the libraries that are installed, by name."""
    found = {"mldoctor": tool(), "python": platform.python_version()}
    found |= {name: known for name in LIBRARIES if (known := _version(name))}
    return found


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
