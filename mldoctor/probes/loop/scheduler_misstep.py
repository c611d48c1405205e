"""The probe `scheduler-misstep`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.schedules import Course, Schedule, Schedules
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.loop.exhausted_schedule import IDLE_SHARE
from mldoctor.registry import probe


@probe("scheduler-misstep", Severity.WARNING)
def scheduler_misstep(
    schedules: Schedules, *, min_epochs: int = 2, min_updates: int = 4, reached: float = 0.5
) -> Iterator[Finding]:
    """The learning-rate schedule is stepped at another pace than it was made for.

    ## What it finds

    A schedule in epochs that is stepped after every batch, one in updates that is stepped once per
    epoch or several times for each update, one that is stepped before the optimizer, on an optimizer
    that was replaced, or never.

    ## Why it matters

    The rate falls to nothing within the first epoch, swings up and down, stays in its warm-up for the
    whole training, or stays where it started. Training still runs, only worse than it could.

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
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.1)
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
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.1)
    for epoch in range(10):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        scheduler.step()
    ```

    ## How it is measured

    The calls of each schedule are counted against the updates of its optimizer. The length of training
    is read from the loops around the step, and the schedule is played to that length on a stand-in, once
    per update and once per epoch. One way must lead to a rate of (nearly) zero for half of training, to
    swings, to less than the share `reached` of the peak, or to no descent at all, where the other leads
    to a sound course. Several calls for each update are wrong where a single one would bring the rate
    down at the very end of training. A schedule counts as never stepped after `min_epochs` epochs, when
    the script has no further `step` call that could come later. Order is judged over `min_updates`
    updates.

    ## When it is wrong

    A course that is meant to end early or to swing, and that would look sound at the other pace as well.

    ## References

    PyTorch documentation, torch.optim (how to adjust learning rate): schedules are stepped after the
    optimizer, and chained calls are per epoch unless the class says otherwise.
    """
    for row in schedules.rows:
        said, advice = _misstep(row, min_epochs, min_updates, reached)
        if not said:
            continue
        yield Finding(
            said,
            evidence=(
                Evidence("steps of the schedule", f"{row.calls} in {row.updates} updates"),
                Evidence("planned", _plan(row)),
                *_course(
                    "rate as it is stepped", row.by_epoch if row.per == "epoch" else row.by_update
                ),
                *_course(
                    "rate at the other pace", row.by_update if row.per == "epoch" else row.by_epoch
                ),
                *_course("rate with one step for each update", row.by_single),
            ),
            location=row.called or row.built,
            also=row.built if row.called else None,
            explains=(
                "exhausted-schedule",
                "flat-loss",
                "learning-rate-too-low",
                "oscillating-loss",
            ),
            subject=row.kind,
            remedy=Remedy(advice),
        )


def _misstep(row: Schedule, min_epochs: int, min_updates: int, reached: float) -> tuple[str, str]:
    """What is wrong with the pace of one schedule, and what to do about it."""
    if row.unheld and row.calls:
        return (
            f"the {row.kind} turns an optimizer that takes no steps",
            "build the schedule on the optimizer that steps, and again when that one is replaced",
        )
    if row.per == "never":
        late = row.library or row.unseen or row.others or row.epochs_seen < min_epochs
        return ("", "") if late or not row.updates else (
            f"the {row.kind} is built and never stepped",
            "call scheduler.step() once per epoch, or once per update where it counts updates",
        )  # fmt: skip
    if row.before > 0.9 and not row.library and row.updates >= min_updates:  # noqa: PLR2004 - nearly every update
        return (
            f"the {row.kind} is stepped before the optimizer",
            "call scheduler.step() after optimizer.step()",
        )
    update, epoch = row.by_update, row.by_epoch
    if row.library and row.epochs == 1:
        return "", ""  # its epochs are not known
    if update is None or epoch is None or not row.epochs or (row.epoch_updates or 0) < min_updates:
        return "", ""
    if row.per == "update" and _doubled(row, update):
        return (
            f"the {row.kind} is stepped {round(row.per_update)} times for each update",
            "call scheduler.step() at one place only",
        )
    if row.per == "update" and _fast(row, update, epoch):
        return (
            f"the {row.kind} is stepped per update, its course is one of epochs",
            "call scheduler.step() once per epoch, or give the schedule its lengths in updates",
        )
    if row.per == "epoch" and _slow(row, update, epoch, reached):
        return (
            f"the {row.kind} is stepped per epoch, its course is one of updates",
            "call scheduler.step() after every optimizer.step(), or give it its lengths in epochs",
        )
    return "", ""


def _fast(row: Schedule, update: Course, epoch: Course) -> bool:
    """Whether the course is over at once, or swings, when it is stepped with every update."""
    sound = epoch.turns <= 1 and epoch.idle < IDLE_SHARE / 2 and epoch.highest > 0.9  # noqa: PLR2004 - past any warm-up
    moves = epoch.last < 0.7 * epoch.highest
    over = update.idle >= IDLE_SHARE
    swings = "Cosine" in row.kind and "Warm" not in row.kind and update.turns >= 2  # noqa: PLR2004 - once is a restart
    return sound and moves and (over or swings)


def _slow(row: Schedule, update: Course, epoch: Course, reached: float) -> bool:
    """Whether the course hardly begins when it is stepped with every epoch."""
    stuck = epoch.highest < reached * update.highest
    stays = epoch.last > 0.9 * epoch.highest  # it is not brought down again
    ends = _lands(update)
    return (row.epochs or 0) > 1 and update.idle < IDLE_SHARE and (stuck or (stays and ends))


def _doubled(row: Schedule, update: Course) -> bool:
    """Whether a course of single steps is over half way, or rises again, because of further ones."""
    single = row.by_single
    if single is None or not _lands(single):
        return False
    return update.idle >= IDLE_SHARE or update.turns > single.turns


def _lands(course: Course) -> bool:
    """Whether the rate comes down at the very end, as only a course of that length does.

    A decay by a constant factor has no length: it is hardly lower at the end than at nine tenths.
    """
    down = course.last < 0.1 and course.last < 0.3 * course.late  # noqa: PLR2004 - a line is at 0 of 0.1, a cosine at 0 of 0.02
    return down and course.idle < IDLE_SHARE and course.turns <= 1


def _plan(row: Schedule) -> str:
    epochs = "an unknown number of" if row.epochs is None else number(row.epochs)
    updates = "an unknown number of" if row.epoch_updates is None else number(row.epoch_updates)
    return f"{epochs} epochs of {updates} updates"


def _course(name: str, course: Course | None) -> tuple[Evidence, ...]:
    if course is None:
        return ()
    idle = f", nearly zero for {course.idle:.0%} of training" if course.idle else ""
    said = f"{course.lowest:.1%} to {course.highest:.1%} of its peak{idle}"
    return (Evidence(name, said),)
