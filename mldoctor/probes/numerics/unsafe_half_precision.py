"""The probe `unsafe-half-precision`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.precision import Precision
from mldoctor.facts.treatment_trial import TreatmentTrial
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.probes.treated import compared
from mldoctor.registry import probe


@probe("unsafe-half-precision", Severity.WARNING)
def unsafe_half_precision(
    precision: Precision,
    trial: TreatmentTrial | None = None,
    *,
    min_backwards: int = 4,
    share: float = 0.9,
) -> Iterator[Finding]:
    """Half-precision gradients are left to vanish, or are used before the scale is taken off.

    ## What it finds

    Training under float16 autocast without a scaled loss; float16 weights under an optimizer whose
    epsilon float16 rounds to zero; steps on gradients that are still multiplied by the loss scale.

    ## Why it matters

    Gradients below 6e-8 are zero in float16, and in many networks most of them are that small. An
    epsilon of zero divides by zero. Gradients that are 65,536 times too long throw the weights away.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.float16):
                loss = nn.functional.cross_entropy(model(xb), yb)
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
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scaler = torch.amp.GradScaler("cpu")
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.float16):
                loss = nn.functional.cross_entropy(model(xb), yb)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
    ```

    ## How it is measured

    The type of autocast is read as each model is entered in training; the given `share` of at least
    `min_backwards` must be float16, and no backward begin at a loss that a scaler or the script itself
    has multiplied. The epsilon of each optimizer over float16 weights is rounded to float16. Each step
    is compared with the scaling and unscaling before it. Where the loop cannot learn and no cause
    explains it, it is run again in float32.

    ## When it is wrong

    Networks whose gradients happen to be large enough for float16; it costs nothing to scale there too.
    bfloat16 needs no scale and is quiet.

    ## References

    Micikevicius et al., Mixed Precision Training, 2018 (loss scaling); PyTorch documentation, Automatic
    Mixed Precision package (gradient scaling).
    """
    cure = trial.cure("unsafe-half-precision") if trial is not None else None
    if trial is not None and cure is not None:
        yield _finding(
            precision,
            "the loop learns in float32, and not in half precision",
            "keep weights in float32, compute under autocast, and scale the loss or use bfloat16",
            *compared(trial, cure),
        )
        return
    half = precision.autocast >= share * precision.forwards
    if precision.raw >= min_backwards:
        yield _finding(
            precision,
            "the optimizer steps on gradients that still carry the loss scale",
            "step through scaler.step(optimizer), or call scaler.unscale_(optimizer) before",
            Evidence("steps on scaled gradients", number(precision.raw), "0"),
        )
    elif (
        precision.autocast >= min_backwards
        and half
        and not precision.scaled
        and precision.by_hand <= 1.5  # noqa: PLR2004 - a mean of a mean at the most
    ):
        yield _finding(
            precision,
            "training runs under float16 autocast without a scaled loss",
            "scale the loss with torch.amp.GradScaler, or use bfloat16",
            Evidence("backwards of a scaled loss", f"0 of {precision.backwards}", "all"),
            Evidence(
                "forwards under float16 autocast", f"{precision.autocast} of {precision.forwards}"
            ),
        )
    if precision.half_epsilon is not None:
        yield _finding(
            precision,
            f"epsilon of {precision.half_kind} is zero in the float16 of the weights",
            "keep the weights in float32 and compute under autocast, or set eps to 1e-4",
            Evidence("epsilon, and as float16", f"{precision.half_epsilon:g} and 0", "above 6e-08"),
        )


def _finding(precision: Precision, said: str, advice: str, *rows: Evidence) -> Finding:
    return Finding(
        said,
        evidence=rows,
        location=precision.step_site or precision.site,
        also=precision.built,
        explains=("skipped-updates", "vanishing-gradients", *UNLEARNABLE),
        subject=said,
        remedy=Remedy(advice),
    )
