"""The probe `lost-updates`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.movements import Moved, Movements, OptimizerMoves
from mldoctor.facts.treatment_trial import TreatmentTrial
from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.probes.treated import compared
from mldoctor.registry import probe


@probe("lost-updates", Severity.WARNING)
def lost_updates(
    movements: Movements,
    updates: Updates,
    trial: TreatmentTrial | None = None,
    *,
    share: float = 0.8,
    min_steps: int = 3,
    felt: float = 1e-5,
) -> Iterator[Finding]:
    """Steps with gradients leave the weights where they are.

    ## What it finds

    Half-precision weights whose updates are smaller than the distance to the next number that the
    type can hold, and full-precision tensors that a step passes by although their gradient is not
    small. Also weights that something else writes after the steps, so that what they learn is undone:
    clamped to narrow bounds, or overwritten by an average or an older state.

    ## Why it matters

    Such a weight does not learn slowly, it does not learn at all. The loss falls a little, by the few
    weights near zero that still move, and then stops.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2)).to(torch.bfloat16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-6)
    for epoch in range(6):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb.to(torch.bfloat16)).float(), yb)
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for epoch in range(6):
        for xb, yb in loader:
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    A few hundred elements of every tensor are compared before and after each of the first steps at a
    rate above zero. Of those with a gradient, at least `share` must keep their value to the last bit,
    over all half-precision tensors of an optimizer; or a full-precision tensor keeps all of them over
    `min_steps` steps, although its rate times its gradient is over the share `felt` of its values.
    Where weights had other values before a step than after the one before it, and the loop cannot learn
    its samples, it is run again with those values put back: a cure proves that the writing undid it.

    ## When it is wrong

    Optimizers that keep full-precision copies of the weights and write them back now and then.

    ## References

    Zamirai et al., Revisiting BFloat16 Training, 2020; Micikevicius et al., Mixed Precision Training,
    2018 (the weights need a full-precision copy).
    """
    cure = trial.cure("lost-updates") if trial is not None else None
    if trial is not None and cure is not None:
        yield _undone(movements.optimizers[0], updates, compared(trial, cure))
    for moves in movements.optimizers:
        half = [r for r in moves.rows if r.dtype in ("bfloat16", "float16")]
        size = sum(row.size for row in half)
        still = sum(row.size * row.still / row.fed for row in half)
        if size and still >= share * size:
            yield _finding(
                moves, f"{still / size:.0%} of the {half[0].dtype} weights keep their value in a step",
                half, "keep the weights in float32 and compute under torch.autocast",
            )  # fmt: skip
        passed = [r for r in moves.rows if r not in half and _passed_by(r, min_steps, felt)]
        if passed:
            name = passed[0].name or "a tensor"
            yield _finding(
                moves, f"{name} has a gradient and never moves"[:79], passed,
                f"check that {moves.kind} can write to {name}: it must be contiguous and no copy",
            )  # fmt: skip


def _passed_by(row: Moved, min_steps: int, felt: float) -> bool:
    """Whether a full-precision tensor stays put although plain descent would move it."""
    step = row.rate * row.gradient
    return row.still == row.fed and row.steps >= min_steps and step > felt * max(row.weight, 1e-3)


def _finding(moves: OptimizerMoves, said: str, rows: list[Moved], advice: str) -> Finding:
    fed, still = sum(row.fed for row in rows), sum(row.still for row in rows)
    widest = max(rows, key=lambda row: row.size)
    return Finding(
        said,
        evidence=(
            Evidence("elements with a gradient that kept their value", f"{still} of {fed}", "0"),
            Evidence("tensors concerned", f"{len(rows)} of {len(moves.rows)}", "0"),
            Evidence(
                f"in {widest.name or 'the largest tensor'}: rate, gradient, weight",
                f"{number(widest.rate)}, {number(widest.gradient)}, {number(widest.weight)}",
            ),
        ),
        location=moves.site or moves.built,
        also=moves.built,
        explains=("frozen-model", "frozen-head", "missing-step", *UNLEARNABLE),
        subject=moves.kind,
        remedy=Remedy(advice),
    )


def _undone(moves: OptimizerMoves, updates: Updates, shown: tuple[Evidence, ...]) -> Finding:
    """The finding on steps that something else undoes."""
    return Finding(
        "something besides the optimizer writes the weights and undoes its steps",
        evidence=(
            Evidence(
                "steps before which a weight had been written",
                f"{updates.outside_changes} of {len(updates.rows)}",
                "0",
            ),
            *shown,
        ),
        location=moves.site or moves.built,
        also=moves.built,
        explains=UNLEARNABLE,
        severity=Severity.ERROR,
        subject=moves.kind,
        remedy=Remedy(
            "find what writes the weights between two steps (a clamp, a copy, a load) and let it go"
        ),
    )
