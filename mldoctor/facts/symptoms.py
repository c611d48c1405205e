"""Symptoms: what the probes have found so far, for facts that are only worth having then."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Symptoms:
    """Names of the symptoms that nothing explains yet, and of the causes found.

    The examination itself provides this value before the first treatment is tried.
    """

    unexplained: tuple[str, ...]
    causes: tuple[str, ...]
