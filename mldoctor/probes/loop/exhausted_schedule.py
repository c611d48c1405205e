"""The probe `exhausted-schedule`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.schedules import Schedules
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe

IDLE_SHARE = 0.45
"""An exponential decay by 0.9 per epoch, as tutorials use it for 100 epochs, is idle for 0.34."""


@probe("exhausted-schedule", Severity.WARNING)
def exhausted_schedule(
    schedules: Schedules, *, idle_share: float = IDLE_SHARE
) -> Iterator[Finding]:
    """The learning rate is at (nearly) zero long before training ends.

    ## What it finds

    A schedule whose rate stays below a thousandth of its peak for a large part of the planned training:
    its length was computed for one epoch of many, without gradient accumulation, or it is stepped more
    often than it was made for.

    ## Why it matters

    What comes after the rate has gone is paid for and changes nothing. The curve looks converged.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(800, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    total = len(loader)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total))
    for epoch in range(10):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
            scheduler.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(800, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    total = 10 * len(loader)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total))
    for epoch in range(10):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
            scheduler.step()
    ```

    ## How it is measured

    The planned length is read from the loops around the step (or from the trainer of a framework), the
    schedule is played forward to it on a stand-in at the pace at which the script steps it, and the
    share of updates below a thousandth of the peak is compared with `idle_share`. Schedules that follow
    a metric are left out.

    ## When it is wrong

    A plan that is never meant to be reached because early stopping ends it, with a schedule made for the
    length that training really has.

    ## References

    PyTorch documentation, torch.optim (how to adjust learning rate); Hugging Face documentation,
    get_linear_schedule_with_warmup (`num_training_steps`).
    """
    for row in schedules.rows:
        course = row.by_epoch if row.per == "epoch" else row.by_update
        if course is None or row.per not in ("epoch", "update") or course.idle < idle_share:
            continue
        whole = (row.epochs or 1) * (row.epoch_updates or 0)
        yield Finding(
            f"the {row.kind} is at zero for the last {course.idle:.0%} of training"[:79],
            evidence=(
                Evidence("planned updates", number(whole)),
                Evidence(
                    "updates at less than a thousandth of the peak rate",
                    number(round(course.idle * whole)),
                    f"below {idle_share:.0%}",
                ),
                Evidence(
                    "steps of the schedule per update", number(row.calls / max(1, row.updates))
                ),
            ),
            location=row.built or row.called,
            also=row.called,
            subject=row.kind,
            remedy=Remedy("give the schedule the number of steps that the whole training takes"),
        )
