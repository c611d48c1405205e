"""The probe `selection-on-test`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.selections import Selections
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("selection-on-test", Severity.WARNING)
def selection_on_test(selections: Selections) -> Iterator[Finding]:
    """The test data decides which weights are kept, or when training stops.

    ## What it finds

    A comparison with the best score so far, in the training loop, whose score is computed from the data
    that the script itself calls its test data, and whose better branch keeps the weights or resets the
    patience.

    ## Why it matters

    The best of many looks at the test data is reported as if it had been the only one. The more epochs,
    the more optimistic the score.

    ## Example

    ```python
    import copy

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x[:320], y[:320]), batch_size=32, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[320:], y[320:]), batch_size=32)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    best = 0
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in test_loader)
        if right > best:
            best, weights = right, copy.deepcopy(model.state_dict())
    ```

    ## Use instead

    ```python
    import copy

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x[:260], y[:260]), batch_size=32, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[260:320], y[260:320]), batch_size=32)
    test_loader = DataLoader(TensorDataset(x[320:], y[320:]), batch_size=32)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    best = 0
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in val_loader)
        if right > best:
            best, weights = right, copy.deepcopy(model.state_dict())
    model.load_state_dict(weights)
    with torch.no_grad():
        right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in test_loader)
    ```

    ## How it is measured

    The source of the training loop is read, not run: variables that are compared with a best value are
    followed through the assignments and loops of the epoch to the data that they are computed from.

    ## When it is wrong

    A script that calls its validation data test data, and has another held-out part elsewhere. Scores
    kept for the record only (nothing saved, no patience) are quiet.

    ## References

    xuanmay2701/shapeformer#2 on GitHub; gwinndr/MusicTransformer-Pytorch#10 on GitHub.
    """
    for row in selections.rows:
        if not row.source:
            continue
        yield Finding(
            f"{row.score} of the test data decides what is kept"
            if row.action == "keeps the weights"
            else f"{row.score} of the test data decides when to stop",
            evidence=(
                Evidence("score compared with the best", row.score),
                Evidence("computed from", row.source, "validation data"),
                Evidence("a better score", row.action),
            ),
            location=row.location,
            subject=row.score,
            remedy=Remedy(
                "select on a validation part, and look at the test data once, at the end"
            ),
        )
