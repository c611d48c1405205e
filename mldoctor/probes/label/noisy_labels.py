"""The probe `noisy-labels`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.simple_relations import SimpleRelations
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("noisy-labels", Severity.WARNING)
def noisy_labels(
    relations: SimpleRelations, *, min_share: float = 0.05, min_agreement: float = 0.8
) -> Iterator[Finding]:
    """Labels contradict those of their nearest neighbours.

    ## What it finds

    Training samples whose neighbours agree on another label, in data whose neighbours otherwise
    predict the label well.

    ## Why it matters

    Wrong labels are memorised late in training and cost accuracy on everything that resembles them.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 2)
    y = (x[:, 0] > 0).long()
    x[:, 0] += 2 * y - 1
    y[::10] = 1 - y[::10]
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
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
    x = torch.randn(400, 2)
    y = (x[:, 0] > 0).long()
    x[:, 0] += 2 * y - 1
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Inputs are standardised. A label is doubted when nine of the ten nearest other samples share one
    other label, and that vote reaches the mean vote which samples of that class get (the confident
    joint). The estimate is given only where neighbours confirm at least `min_agreement` of the
    labels, so that classes which merely overlap are not called noise, and from a share of
    `min_share` on. Where cleanlab is installed (`pip install 'mldoctor[cleanlab]'`), it is asked about
    the same votes, and the evidence says how many of the doubts it shares.

    ## When it is wrong

    Rare groups within a class whose neighbours belong to another one. The evidence lists indices to
    look at.

    ## References

    Northcutt, Jiang and Chuang, Confident Learning (2021). On digits with 5 % of the labels flipped
    the same rule found 98 % of them with a precision of 95 %; DeepCrime (Humbatova, Jahangirova and
    Tonella, 2021).
    """
    share = relations.doubtful / relations.samples
    if share < min_share or relations.agreement < min_agreement:
        return
    yield Finding(
        f"about {share:.1%} of the labels look wrong",
        evidence=(
            Evidence(
                "labels that their neighbours contradict",
                f"{relations.doubtful} of {relations.samples}",
                f"below {min_share:.0%}",
            ),
            Evidence("labels that their neighbours confirm", f"{relations.agreement:.1%}"),
            Evidence("dataset index", ", ".join(map(str, relations.doubtful_index[:20]))),
            *(
                ()
                if relations.second is None
                else (
                    Evidence(
                        "of those, doubted by cleanlab",
                        f"{relations.second} of {relations.doubtful}",
                    ),
                )
            ),
        ),
        location=relations.training.built,
        subject="labels",
        remedy=Remedy("look at these samples first, and correct or drop what is wrong"),
    )
