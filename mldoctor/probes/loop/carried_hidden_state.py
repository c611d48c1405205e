"""The probe `carried-hidden-state`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from mldoctor.facts.retained_graphs import RetainedGraphs
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.registry import probe


@probe("carried-hidden-state", Severity.WARNING)
def carried_hidden_state(
    graphs: RetainedGraphs, *, min_sizes: int = 6, growth: float = 3.0, share: float = 0.8
) -> Iterator[Finding]:
    """A recurrent state is carried from one update to the next with its graph, or between strangers.

    ## What it finds

    A hidden state that is handed to the next batch without `detach`, so that each backward runs
    through all batches before it (or fails there); and one that is handed on although the loader
    draws its samples at random, so that each sample begins in the state of an unrelated one.

    ## Why it matters

    With its graph, every update takes longer and holds more memory than the one before. Between
    unrelated samples the state is noise, which the model first has to learn to ignore, and
    predictions depend on what happened to come before.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 6, 4)
    y = (x[:, :, 0].sum(1) > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
    rnn = nn.GRU(4, 24, batch_first=True)
    head = nn.Linear(24, 2)
    optimizer = torch.optim.Adam([*rnn.parameters(), *head.parameters()], lr=1e-2)
    for epoch in range(6):
        state = torch.zeros(1, 20, 24)
        for xb, yb in loader:
            optimizer.zero_grad()
            out, state = rnn(xb, state.detach())
            loss = nn.functional.cross_entropy(head(out[:, -1]), yb)
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 6, 4)
    y = (x[:, :, 0].sum(1) > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
    rnn = nn.GRU(4, 24, batch_first=True)
    head = nn.Linear(24, 2)
    optimizer = torch.optim.Adam([*rnn.parameters(), *head.parameters()], lr=1e-2)
    for epoch in range(6):
        for xb, yb in loader:
            optimizer.zero_grad()
            out, _ = rnn(xb, torch.zeros(1, 20, 24))
            loss = nn.functional.cross_entropy(head(out[:, -1]), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The size of the loss's graph is followed over the first updates: it must grow with each of at
    least `min_sizes` of them, to `growth` times its first size. Or a backward of a recurrent model
    fails because it reaches a released graph. Or the given `share` of the states that recurrent
    layers are given equals, to the last bit, what they had returned before the latest step, while
    the sampler of the loader is a random one.

    ## When it is wrong

    Truncated back-propagation over consecutive windows is quiet: its state is detached, and its
    loader keeps the order.

    ## References

    Williams and Peng, An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network
    Trajectories, 1990; PyTorch documentation, Frequently Asked Questions.
    """
    sizes = graphs.sizes
    steady = len(sizes) >= min_sizes and all(after > before for before, after in pairwise(sizes))
    if steady and sizes[-1] >= growth * sizes[0]:
        said = "each backward runs through the updates before it"
        rows = (Evidence("operations in the graph, update by update", _listed(sizes), "constant"),)
    elif graphs.second_pass and graphs.recurrent:
        said = "a backward reaches the released graph of the update before it"
        rows = (Evidence("backward", "failed: graph released", "runs"),)
    elif graphs.shuffled and graphs.states >= min_sizes and graphs.carried >= share * graphs.states:
        said = "a recurrent state is carried between batches of shuffled samples"
        rows = (
            Evidence("states carried over a step", f"{graphs.carried} of {graphs.states}", "0"),
        )
    else:
        return
    yield Finding(
        said,
        evidence=(*rows, Evidence("random order of samples", "yes" if graphs.shuffled else "no")),
        location=graphs.site,
        explains=("leaking-graph", *UNLEARNABLE),
        subject="state",
        remedy=Remedy(
            "begin each batch of shuffled samples with a zero state; between consecutive windows, "
            "detach the state"
        ),
    )


def _listed(sizes: tuple[int, ...]) -> str:
    return ", ".join(number(size) for size in sizes)
