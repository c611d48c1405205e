"""The probe `repeated-randomness`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.random_use import Generator, RandomUse
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("repeated-randomness", Severity.WARNING)
def repeated_randomness(
    use: RandomUse, *, min_updates: int = 4, share: float = 0.8
) -> Iterator[Finding]:
    """Every update draws the same random numbers.

    ## What it finds

    A seed that is set inside of the training loop, so that dropout masks, noise and sampled batches are
    the same in every update.

    ## Why it matters

    Dropout that always drops the same units is a smaller network and no regularisation. Noise that
    never changes is a constant, and augmentation that never changes adds no data.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            torch.manual_seed(0)
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
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The state of the global generators of torch, NumPy and `random` is read as a model is entered and
    left in training. In the given `share` of at least `min_updates` updates the state must be that of
    the update before, although numbers were drawn in between, or the generator was seeded again there.

    ## When it is wrong

    Nothing that was seen: a seed per epoch, a seed that counts with the step, and generators of one's
    own are quiet.

    ## References

    PyTorch documentation, Reproducibility; Srivastava et al., Dropout, 2014.
    """
    for row in use.generators:
        pairs = row.updates - 1
        if pairs < min_updates or not _repeats(row, pairs, share):
            continue
        yield Finding(
            f"every update draws the same numbers from the generator of {row.name}",
            evidence=(
                Evidence(
                    "updates that begin where the one before began",
                    f"{row.repeated} of {pairs}",
                    "0",
                ),
                Evidence("of these that draw numbers in the model", f"{row.drawn}"),
                Evidence("seeds set after the first update", f"{row.reseeded}", "0"),
            ),
            location=row.site or use.training,
            explains=("repeated-batch", "frozen-augmentation"),
            subject=row.name,
            remedy=Remedy("set the seed once, before training"),
        )


def _repeats(row: Generator, pairs: int, share: float) -> bool:
    if row.repeated < share * pairs:
        return False
    return row.drawn >= share * pairs or row.reseeded >= share * pairs
