"""The probe `training-on-evaluation-data`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mldoctor.facts.loader_use import LoaderUse, Use
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe

_WORDS = r"val|valid|validation|dev|test|testing|eval|evaluation|holdout|heldout"
_TAIL = r"(_?(loader|loaders|dl|set|data|dataset|dataloader|iter|iterator|batches|split|queue))?"
_EVALUATES = re.compile(rf"(^|.*_)({_WORDS}){_TAIL}\d*$", re.IGNORECASE)


@probe("training-on-evaluation-data", Severity.ERROR)
def training_on_evaluation_data(uses: LoaderUse, *, min_steps: int = 2) -> Iterator[Finding]:
    """The optimizer steps on batches of the loader that is there to evaluate.

    ## What it finds

    Updates on the batches of a validation or test loader: a validation loop copied from the training
    loop with its `backward` and `step`, a phase that forgot its condition, the wrong loader handed to
    the training function, or a dataset that was switched for the validation and not switched back.

    ## Why it matters

    The model is trained on the data that judges it. Every score that follows is too good, the choice of
    checkpoint favours memorising, and nothing in the figures shows it.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    train_loader = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=20, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[300:], y[300:]), batch_size=20)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for loader in (train_loader, val_loader):
            for xb, yb in loader:
                optimizer.zero_grad()
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
    train_loader = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=20, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[300:], y[300:]), batch_size=20)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in val_loader)
    ```

    ## How it is measured

    Every step is tied to the loader whose batch was fetched before its forward. A loader evaluates when
    the script itself names it so (`val_loader`, `loaders["test"]`), or when the model is in eval mode on
    all of its batches. At least `min_steps` updates on it are needed, by an optimizer that also steps on
    another loader; or, where no other loader is trained on, another loader that is named for training
    and was never read. Without any name, a loader counts that was read without gradients before the
    first step on it, while the loader trained on until then is never read again, and nothing else is
    there to evaluate on. So does one whose dataset is left in the state, such as an attribute that
    names its split, in which another loader evaluates.

    ## When it is wrong

    A last round of training that adds the validation data on purpose. Steps of an optimizer of its own
    (architecture search, a temperature fitted on validation data) are quiet.

    ## References

    Kaufman, Rosset, Perlich, Leakage in Data Mining: Formulation, Detection, and Avoidance, 2012.
    """
    for row in uses.rows:
        if row.steps < min_steps:
            continue
        others = [
            o
            for o in uses.rows
            if o is not row and o.steps and set(o.optimizers) & {*row.optimizers}
        ]
        trained = [o for o in others if not _evaluates(o) and o.in_eval < o.steps]
        unread = [o for o in uses.rows if not o.requests and "train" in o.name.lower()]
        named, in_eval = _evaluates(row), row.in_eval == row.steps
        alone = named and not any(o.steps for o in uses.rows if o is not row) and bool(unread)
        moved = row.turned or _moved(row, trained, uses)
        if not (trained and (named or in_eval)) and not alone and not moved:
            continue
        name = "the evaluation data" if moved else row.name or "the evaluation loader"
        yield Finding(
            f"the optimizer steps on the batches of {name}"[:79],
            evidence=(
                Evidence(
                    "updates on its batches", f"{number(row.steps)} of {number(uses.updates)}", "0"
                ),
                Evidence("of these with the model in eval mode", number(row.in_eval)),
                Evidence(
                    "updates on other loaders", number(sum(o.steps for o in trained)), "all updates"
                ),
            ),
            location=row.step_site or row.built,
            also=row.built,
            explains=("same-dataset-evaluated", "training-in-eval-mode", "split-overlap"),
            subject=f"loader {name}",
            remedy=Remedy(
                "take backward and step out of the evaluation, and run it under torch.no_grad()"
                if trained and not moved
                else "give the training its own dataset back after each evaluation"
                if moved
                else f"hand the training loop {unread[0].name} in place of {name}"
            ),
        )


def _moved(row: Use, trained: list[Use], uses: LoaderUse) -> bool:
    """Whether the loop left its training data for good for what it had only evaluated on until then.

    Where something else is evaluated on, or the training data as well, the data may come in turns on
    purpose: tasks one after the other, or samples whose labels the model itself has given.
    """
    evaluated = any(o.looked and not o.steps for o in uses.rows)
    return (
        bool(trained)
        and row.looked_before > 0
        and not evaluated
        and all(o.looked == 0 and o.last_step < row.first_step for o in trained)
    )


def _evaluates(row: Use) -> bool:
    """Whether the script's own name for a loader says that it evaluates."""
    return bool(_EVALUATES.match(row.name)) and "train" not in row.name.lower()
