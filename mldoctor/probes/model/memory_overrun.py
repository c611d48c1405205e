"""The probe `memory-overrun`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.memory_use import MemoryUse
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe
from mldoctor.sizes import shown


@probe("memory-overrun", Severity.WARNING)
def memory_overrun(memory: MemoryUse, *, share: float = 1.0) -> Iterator[Finding]:
    """Weights, gradients, optimizer state and activations need more memory than there is.

    ## What it finds

    A training step that keeps more in memory at once than the GPU it runs on has, or more than
    `--memory-limit`, the memory of the device that it is meant for. Also a script that ran out of
    memory: the report then says how much it needs and which batch would fit.

    ## Why it matters

    The job is killed in its first step, or hours later by the first long batch. The largest batch that
    fits is worth knowing before a GPU is booked.

    ## Example

    ```python
    import torch
    from torch import nn

    torch.manual_seed(0)
    x = torch.randn(1_000_000, 4)
    y = torch.randint(0, 5, (len(x),))

    class Embedder(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 40)

        def forward(self, x):
            z = self.inner(x)
            return (z[:, None] - z[None]).square().sum(-1)

    model = Embedder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(20):
        optimizer.zero_grad()
        distances = model(x)
        same = y[:, None] == y[None]
        loss = distances[same].mean() + (1 - distances[~same]).clamp(min=0).mean()
        loss.backward()
        optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    y = torch.randint(0, 5, (2_000,))
    x = torch.randn(5, 4)[y] + 0.3 * torch.randn(len(y), 4)
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)

    class Embedder(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 40)

        def forward(self, x):
            z = self.inner(x)
            return (z[:, None] - z[None]).square().sum(-1)

    model = Embedder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(4):
        for xb, yb in loader:
            optimizer.zero_grad()
            distances = model(xb)
            same = yb[:, None] == yb[None]
            loss = distances[same].mean() + (1 - distances[~same]).clamp(min=0).mean()
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Parameters, their gradients and the state of the optimizers are counted after the natural steps. What
    the forward keeps for the backward is measured on 2, 4 and 8 samples of the recorded batch, in train
    mode and under the script's own autocast, and extended to the whole batch by the polynomial through
    these points. The sum may be at most `share` of the memory. On a CPU nothing is judged without
    `--memory-limit`, unless the script ran out of memory.

    ## When it is wrong

    The sum is a floor: gradients on their way, the workspace of kernels and fragmentation come on top,
    so a batch that just fits by this figure does not. It is too high for weights and states that are
    sharded over devices or kept off the device. Batches with longer samples than the recorded one need
    more.

    ## References

    Rajbhandari and others, ZeRO: Memory Optimizations Toward Training Trillion Parameter Models (2020),
    section 3, on where the memory of training goes.
    """
    limit = memory.limit
    needed = memory.needed(memory.samples)
    if not memory.out_of_memory and (limit is None or needed <= share * limit):
        return
    batch = f"a batch of {memory.samples} needs" if memory.samples else "a step needs"
    message = f"{batch} {shown(needed)}, more than the {shown(limit or 0)} of {memory.limit_of}"
    if memory.out_of_memory:
        message = "the script runs out of memory"
    largest = memory.largest_batch
    fits = f"{largest:,}" if largest else "none; not even one sample"
    rows = (
        Evidence("raised", memory.out_of_memory) if memory.out_of_memory else None,
        Evidence("weights and buffers", shown(memory.weights)),
        Evidence("gradients", shown(memory.gradients)),
        Evidence("optimizer state", shown(memory.optimizers)),
        Evidence(
            f"kept by the forward, {memory.samples or 'all'} samples",
            shown(memory.kept(memory.samples)),
        )
        if memory.activations
        else None,
        Evidence("together, at least", shown(needed), _limit(memory)),
        Evidence("largest batch that fits, at most", fits, f"{memory.samples}")
        if largest is not None
        else None,
    )
    yield Finding(
        message[:79],
        evidence=tuple(row for row in rows if row is not None),
        location=memory.site,
        subject="memory",
        remedy=Remedy(
            "make the batch smaller and accumulate gradients, recompute activations in the backward "
            "(torch.utils.checkpoint), train in bfloat16 under autocast, or use a smaller model"
        ),
    )


def _limit(memory: MemoryUse) -> str:
    return f"at most {shown(memory.limit)} ({memory.limit_of})" if memory.limit else ""
