"""The probe `double-softmax`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.loss_calls import LossCalls
from mldoctor.facts.loss_graphs import LossGraphs
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("double-softmax", Severity.ERROR)
def double_softmax(
    graphs: LossGraphs, loss_calls: LossCalls, *, min_calls: int = 3
) -> Iterator[Finding]:
    """Probabilities are handed to a loss that makes probabilities itself.

    ## What it finds

    A softmax or sigmoid whose output, with at most a change of shape, goes into a loss that applies its
    own; or a prediction that is a probability distribution in every call of cross-entropy.

    ## Why it matters

    The loss cannot fall below log(1 + (C-1)/e): 0.313 for two classes, 1.461 for ten; for a sigmoid
    twice, 0.313 per positive and 0.693 per negative. Gradients shrink, training crawls.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2), nn.Softmax(dim=1))
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
    y = (x[:, 0] + x[:, 1] > 0).long()
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

    The autograd graph of the first losses is walked from the loss to the first layer. A log-softmax of
    a log-softmax changes nothing and is no fault. Where a compiled model hides its graph, predictions
    that are non-negative and sum to one in at least `min_calls` calls say the same.

    ## When it is wrong

    A mixture of distributions fed to cross-entropy is a probability by design; it wants the negative
    log-likelihood instead, so the finding stands.

    ## References

    UMLAUT (Schoop, Huang and Hartmann, 2021); TheDeepChecker (Ben Braiek and Khomh, 2022);
    NeuraLint (Nikanjam and others, 2021).
    """
    remedy = Remedy("hand the loss the scores of the last layer, without softmax or sigmoid")
    found = [(row, pair) for row in graphs.rows for pair in row.normalised_twice]
    for row, (outer, inner) in found[:1]:
        call = next((c for c in loss_calls.rows), None)
        yield Finding(
            f"a {inner} feeds a loss that applies its own {outer.split(' of ')[0]}",
            evidence=(
                Evidence(
                    "in the graph of the loss", f"{inner} into {outer}", f"scores into {outer}"
                ),
                Evidence(
                    "first loss", number(row.value) if row.value is not None else "not a number"
                ),
            ),
            location=call.location if call and call.location else row.site,
            subject="loss",
            remedy=remedy,
        )
    if found:
        return
    for call in loss_calls.rows:
        if call.function != "cross_entropy" or not call.probabilities or call.calls < min_calls:
            continue
        yield Finding(
            "cross_entropy is given probabilities instead of scores",
            evidence=(
                Evidence(
                    "calls whose rows are non-negative and sum to 1",
                    f"{call.calls} of {call.calls}",
                    "0",
                ),
                Evidence("prediction", str(list(call.prediction))),
            ),
            location=call.location,
            subject="loss",
            remedy=remedy,
        )
