"""Two facts and three probes for tests of everything around probes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mldoctor.findings import Evidence, Finding, Location, Remedy, Severity
from mldoctor.registry import Cost, fact, probe


@dataclass(frozen=True, slots=True)
class Heads:
    """How often the head moved."""

    moved: int


@dataclass(frozen=True, slots=True)
class Curve:
    """A loss curve."""

    losses: tuple[float, ...]


def heads() -> Heads:
    return Heads(0)


def curve(heads: Heads) -> Curve:
    return Curve((float(heads.moved),))


def frozen_head(heads: Heads, *, min_updates: int = 3, ratio: float = 0.5) -> Iterator[Finding]:
    """The layer that makes the predictions never changes during training.

    ## What it finds
    A head that no optimizer moves, looked at over `min-updates` updates, which is a sentence that
    is long enough to be wrapped.

    - its tensors are compared
    - to the last bit

    ## Why it matters
    The model cannot learn its task.

    ## Example
    ```python
    import torch

    ## no heading
    for _ in range(3):
        torch.zeros(1)
    ```

    ## Use instead
    ```python
    print("train it")
    ```

    ## How it is measured
    By looking.

    ## When it is wrong
    Never.

    ## References
    None.
    """
    del ratio
    if heads.moved < min_updates:
        yield Finding(
            "the head never changes",
            evidence=(Evidence("updates of the head", "0, exactly", "above 0"),),
            location=Location("train.py", 2, 1, "made here"),
            explains=("flat-loss",),
            remedy=Remedy("train the head"),
        )


def flat_loss(curve: Curve) -> Iterator[Finding]:
    """The loss does not fall."""
    if len(set(curve.losses)) == 1:
        yield Finding("the loss does not fall", severity=Severity.WARNING)


def broken_probe(curve: Curve) -> Iterator[Finding]:
    """Divide by nothing."""
    if curve.losses:
        raise ZeroDivisionError("division by zero")
    yield Finding("never")


def declare() -> None:
    """Fill an empty registry."""
    fact(Cost.TAPE)(heads)
    fact(Cost.STEPS)(curve)
    for judge, family in ((frozen_head, "model"), (flat_loss, "learning"), (broken_probe, "loop")):
        judge.__module__ = f"mldoctor.probes.{family}.{judge.__name__}"
    probe("frozen-head", Severity.ERROR, explains=("flat-loss",))(frozen_head)
    probe("flat-loss", Severity.ERROR, symptom=True)(flat_loss)
    probe("broken-probe", Severity.NOTE, status="incubating")(broken_probe)
