"""What all tests share."""

import os

import pytest
import throwaway

from mldoctor import registry


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    """The developer's own variables must not decide what a test sees."""
    for name in [*os.environ]:
        if name.startswith("MLDOCTOR_") or name in {"NO_COLOR", "FORCE_COLOR"}:
            monkeypatch.delenv(name)


@pytest.fixture
def throwaway_probes(monkeypatch):
    """A registry that holds the probes and facts of `throwaway` and nothing else."""
    monkeypatch.setattr(registry, "_PROBES", {})
    monkeypatch.setattr(registry, "_READINGS", {})
    monkeypatch.setattr(registry, "_FACTS", {})
    monkeypatch.setattr(registry, "_load", lambda: None)
    throwaway.declare()
    return registry.probes()
