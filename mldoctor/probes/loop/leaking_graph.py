"""The probe `leaking-graph`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.retained_graphs import RetainedGraphs
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("leaking-graph", Severity.WARNING)
def leaking_graph(graphs: RetainedGraphs, *, kept: float = 0.5) -> Iterator[Finding]:
    """The graphs of past updates stay in memory.

    ## What it finds

    A loop that keeps losses, outputs or states with their graph: a running sum of losses without
    `.item()`, a list of outputs without `.detach()`.

    ## Why it matters

    Memory grows with every update until the run is killed, often hours after it began, and steps
    become slower as the kept graphs are searched and freed.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
    ```

    ## How it is measured

    After the 4th and the 11th update all operations of the graphs are counted that hang on tensors
    that exist. What each update has added, relative to the graph of one update, must be at least the
    share `kept`; a sound loop adds nothing. A graph that grows because each update runs through the
    one before it is carried-hidden-state.

    ## When it is wrong

    Graphs that are kept on purpose for a longer derivative, such as unrolled inner loops.

    ## References

    PyTorch documentation, Frequently Asked Questions (My model reports "cuda runtime error(2): out of
    memory": don't accumulate history across your training loop).
    """
    if graphs.kept is None or graphs.kept < kept:
        return
    own = sorted(graphs.sizes)[len(graphs.sizes) // 2] if graphs.sizes else 0
    yield Finding(
        "every update leaves its graph in memory",
        evidence=(
            Evidence("graph kept by each update, of its own size", f"{graphs.kept:.0%}", "0%"),
            Evidence("operations in the graph of one update", number(own)),
        ),
        location=graphs.site,
        subject="graphs",
        remedy=Remedy("keep loss.item() and tensor.detach() instead of the tensors themselves"),
    )
