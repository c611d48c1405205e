"""The probe `group-overlap`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.split_columns import SplitColumns
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("group-overlap", Severity.WARNING)
def group_overlap(
    columns: SplitColumns, *, min_rows: float = 1.5, min_share: float = 0.05
) -> Iterator[Finding]:
    """The same patient, user, speaker or document stands in two splits.

    ## What it finds

    A column that names the source of each row, with values that occur both in the training and in
    the evaluation data, several rows each.

    ## Why it matters

    Rows of one source resemble each other. The score then says how well known sources are
    recognised, not how well new ones are served.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, Dataset


    class Records(Dataset):
        def __init__(self, x, y, patient):
            self.x, self.y, self.patient = x, y, patient

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            return self.x[i], self.y[i]


    torch.manual_seed(0)
    x = torch.randn(400, 8)
    patient = torch.randint(0, 40, (400,)).tolist()
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(Records(x[:320], y[:320], patient[:320]), batch_size=32, shuffle=True)
    validation = DataLoader(Records(x[320:], y[320:], patient[320:]), batch_size=32)
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
        def __init__(self, x, y, patient):
            self.x, self.y, self.patient = x, y, patient

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            return self.x[i], self.y[i]


    torch.manual_seed(0)
    x = torch.randn(400, 8)
    patient = (torch.arange(400) // 10).tolist()
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(Records(x[:320], y[:320], patient[:320]), batch_size=32, shuffle=True)
    validation = DataLoader(Records(x[320:], y[320:], patient[320:]), batch_size=32)
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

    Columns are found by their names (user, patient, speaker, subject, author, group, session,
    document, ...) among the attributes of the datasets, the columns of their frames or tables and
    the keys of their records and samples. One that goes one to one with a number that the model is
    given is an input (the user of a recommendation) and left out. Groups of less than `min_rows` rows
    on average are no groups. A column that says what the label says is left out, and so is one beside a
    time by which the splits are ordered. A share of `min_share` of the
    evaluation rows must be of shared groups.

    ## When it is wrong

    Data that is meant to be split within each source, such as recommendation or forecasting by
    user.

    ## References

    Kapoor and Narayanan, Leakage and the Reproducibility Crisis (2023); theislab/multimil#75 on
    GitHub; lingxitong/MIL_BASELINE#29 on GitHub; jspunda/prostatex#34 on GitHub.
    """
    ordered = {t.evaluation.index for t in columns.times if t.later == 0}
    for row in columns.groups:
        if (
            not row.shared
            or row.is_label
            or row.train_per_group < min_rows
            or row.evaluation.index in ordered
        ):
            continue
        if row.rows < min_share * row.read:
            continue
        yield Finding(
            f"{number(row.shared)} values of {row.column!r} stand in both splits",
            evidence=(
                Evidence(
                    f"values of {row.column!r} in both",
                    f"{number(row.shared)} of {number(row.other)}",
                    "0",
                ),
                Evidence("evaluation rows of those", f"{number(row.rows)} of {number(row.read)}"),
                Evidence("training rows per value", number(row.train_per_group)),
                Evidence("examples", ", ".join(row.examples), sample=True),
            ),
            location=row.evaluation.built,
            also=columns.training.built,
            subject=f"loader {row.evaluation.index} {row.column}",
            remedy=Remedy("split by group: sklearn.model_selection.GroupShuffleSplit"),
        )
