"""The probe `one-way-vocabulary`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.vocabularies import Vocabularies
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("one-way-vocabulary", Severity.ERROR)
def one_way_vocabulary(vocabularies: Vocabularies) -> Iterator[Finding]:
    """Words that are turned into numbers do not come back.

    ## What it finds

    A map from words to numbers and the map or list that leads back, which do not agree.

    ## Why it matters

    Everything that is shown, generated or evaluated as text is wrong, although the loss is right:
    one of the two was sorted, rebuilt or shifted after the other.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    letters = list("abcdefghijklmnop")
    index = {letter: i for i, letter in enumerate(letters)}
    names = sorted(letters, reverse=True)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)


    class Scorer(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))

        def forward(self, values):
            return self.layers(values)


    model = Scorer()
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
    letters = list("abcdefghijklmnop")
    index = {letter: i for i, letter in enumerate(letters)}
    names = {i: letter for letter, i in index.items()}
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)


    class Scorer(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))

        def forward(self, values):
            return self.layers(values)


    model = Scorer()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Dictionaries from text to integer and the lists or dictionaries that hold the same words are
    looked for among the datasets' attributes and the globals of the code that reads and models the
    data. Each word goes there and back.

    ## When it is wrong

    Two vocabularies of the same words that are not meant as each other's inverse. Words that share
    a number on purpose (all rare words) are not counted where the way back does not hold them.

    ## References

    Field case D.
    """
    for pair in vocabularies.pairs:
        if not pair.lost:
            continue
        yield Finding(
            f"{number(pair.lost)} words of {pair.forward} do not come back from {pair.back}",
            evidence=(
                Evidence(
                    "words that come back as another",
                    f"{number(pair.lost)} of {number(pair.words)}",
                    "0",
                ),
                Evidence("examples", "; ".join(pair.examples[:3]), sample=True),
            ),
            location=vocabularies.site,
            subject=pair.forward,
            remedy=Remedy("make one map from the other: {i: w for w, i in index.items()}"),
        )
