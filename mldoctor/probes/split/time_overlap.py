"""The probe `time-overlap`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.split_columns import SplitColumns
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("time-overlap", Severity.WARNING)
def time_overlap(columns: SplitColumns, *, min_share: float = 0.01) -> Iterator[Finding]:
    """Training rows are later than evaluation rows.

    ## What it finds

    A dataset with a column of dates or times, of which training rows lie after the first evaluation
    row.

    ## Why it matters

    In use the model is asked about the future. A split at random lets it learn from what came
    after, and the score says nothing about that.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, Dataset


    class Records(Dataset):
        def __init__(self, x, y, date):
            self.x, self.y, self.date = x, y, date

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            return self.x[i], self.y[i]


    torch.manual_seed(0)
    x = torch.randn(400, 8)
    date = [f"2024-{1 + i // 30:02d}-{1 + i % 28:02d}" for i in torch.randint(0, 360, (400,)).tolist()]
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(Records(x[:320], y[:320], date[:320]), batch_size=32, shuffle=True)
    validation = DataLoader(Records(x[320:], y[320:], date[320:]), batch_size=32)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in validation)
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, Dataset


    class Records(Dataset):
        def __init__(self, x, y, date):
            self.x, self.y, self.date = x, y, date

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            return self.x[i], self.y[i]


    torch.manual_seed(0)
    x = torch.randn(400, 8)
    date = [f"2024-{1 + i // 34:02d}-{1 + i % 28:02d}" for i in range(400)]
    date.sort()
    date = date[:320] + [f"2025-01-{1 + i % 28:02d}" for i in range(80)]
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(Records(x[:320], y[:320], date[:320]), batch_size=32, shuffle=True)
    validation = DataLoader(Records(x[320:], y[320:], date[320:]), batch_size=32)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in validation)
    ```

    ## How it is measured

    Columns are found by their names (date, time, timestamp, ...), also among the keys of samples, and
    must hold dates, years or seconds since 1970. The training rows later than the first evaluation row
    are counted; a share of `min_share` is a finding.

    ## When it is wrong

    Data whose rows do not influence each other over time; a column of dates that has nothing to do
    with the task.

    ## References

    Kaufman, Rosset and Perlich, Leakage in Data Mining (2012).
    """
    for row in columns.times:
        if row.later < min_share:
            continue
        yield Finding(
            f"{row.later:.0%} of the training rows are later than {row.evaluation.split} rows",
            evidence=(
                Evidence(
                    f"training rows after the first evaluation {row.column!r}",
                    f"{row.later:.0%}",
                    "0%",
                ),
                Evidence("last training row", row.train_last),
                Evidence("first evaluation row", row.other_first),
            ),
            location=row.evaluation.built,
            also=columns.training.built,
            subject=f"loader {row.evaluation.index} {row.column}",
            remedy=Remedy("split by time: sort, and evaluate on the latest part"),
        )
