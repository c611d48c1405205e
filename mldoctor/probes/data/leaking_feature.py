"""The probe `leaking-feature`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.simple_relations import SimpleRelations
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("leaking-feature", Severity.WARNING)
def leaking_feature(
    relations: SimpleRelations, *, alone: float = 0.99, others: float = 0.9, apart: float = 0.5
) -> Iterator[Finding]:
    """One input column gives the label away.

    ## What it finds

    A feature table in which a single column predicts the label almost perfectly while all other
    columns together do not; or texts whose token at one place, such as a marker before each, does.

    ## Why it matters

    The column was derived from the label, or recorded after it. In use it will not be there, or not
    say the same.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] + 0.7 * torch.randn(400) > 0).long()
    x[:, 5] = y + 0.01 * torch.randn(400)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
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
    y = (x[:, 0] + x[:, 1] + 0.7 * torch.randn(400) > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    A small tree is fitted to each column alone; the best one is cross-validated, and so is a forest
    of all the others. The column must reach `alone`, the others stay below `others`. Where the classes
    do not stand `apart` in the column (the label is a threshold through values that lie close
    together, as in many exercises), the finding is a note.

    ## When it is wrong

    A task that one measurement really decides. Tables of fewer than three columns are not judged.

    ## References

    Kaufman, Rosset and Perlich, Leakage in Data Mining (2012).
    """
    if not relations.leaking or relations.leaking_accuracy < alone:
        return
    if relations.others_accuracy > others or relations.majority > others:
        return
    what = "token" if relations.tokens else "column"
    yield Finding(
        f"{relations.leaking} alone predicts the label",
        evidence=(
            Evidence(
                f"held-out accuracy from that {what}",
                f"{relations.leaking_accuracy:.1%}",
                f"below {alone:.0%}",
            ),
            Evidence(
                f"held-out accuracy from all other {what}s", f"{relations.others_accuracy:.1%}"
            ),
            *(() if relations.tokens else (_distance(relations, apart),)),
            Evidence("share of the commonest label", f"{relations.majority:.1%}"),
            Evidence("samples", number(relations.samples)),
        ),
        location=relations.training.built,
        severity=None if relations.apart >= apart else Severity.NOTE,
        explains=("suspicious-score",),
        subject=relations.leaking,
        remedy=Remedy(
            f"find out how the {what} is made, and drop it if it is known only after the label"
        ),
    )


def _distance(relations: SimpleRelations, apart: float) -> Evidence:
    return Evidence(
        "distance between the classes in it, in standard deviations",
        number(relations.apart),
        f"below {apart:g}, a cut through close values",
    )
