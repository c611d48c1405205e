"""The probe `conflicting-labels`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.paired_turns import PairedTurns
from mldoctor.facts.repetition import Repetition
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.coverage import pairs, reading
from mldoctor.registry import probe


@probe("conflicting-labels", Severity.WARNING)
def conflicting_labels(
    repetition: Repetition,
    turns: PairedTurns | None = None,
    *,
    min_groups: int = 3,
    min_share: float = 0.01,
    min_apart: float = 0.25,
) -> Iterator[Finding]:
    """The same input stands in the training data with different labels.

    ## What it finds

    Training samples whose inputs are equal and whose class labels are not. Also pictures and the masks
    they are compared with that are flipped or turned at random, each on its own.

    ## Why it matters

    No model can be right on both. The samples pull in opposite directions, and their share bounds
    the score.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    x[380:] = x[:20]
    y = (x[:, 0] + x[:, 1] > 0).long()
    y[380:] = 1 - y[380:]
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

    The inputs of all samples are compared by a hash that ignores type, layout and end padding, for
    texts also case, space and punctuation. Short rows over few symbols recur by chance and do not
    count. At least `min_groups` different inputs and a share of `min_share` of the samples are
    asked for.

    Where the target is a picture like the input, entries are read again under other random states. The
    turn or mirroring that carries one read into the other is found for the input and for the target;
    a share of `min_apart` of the pairs, in two entries at least, must disagree. Flips that are drawn for
    each on its own disagree in three pairs of four.

    ## When it is wrong

    Votes of several annotators that are kept apart on purpose; inputs from which a part was left
    out.

    ## References

    Northcutt, Athalye and Mueller, Pervasive Label Errors in Test Sets (2021).
    """
    if turns is not None and turns.entries > 1 and turns.apart >= min_apart * turns.pairs:
        yield _turned_apart(turns)
        return
    rows = repetition.conflict_rows
    if repetition.conflicts < min_groups or rows < min_share * repetition.read:
        return
    yield Finding(
        f"{number(repetition.conflicts)} inputs occur with different labels",
        evidence=(
            Evidence("inputs with more than one label", number(repetition.conflicts), "0"),
            Evidence("samples with those inputs", f"{number(rows)} of {number(repetition.read)}"),
            Evidence(
                "pairs (dataset index = index)",
                pairs(repetition.conflict_pairs),
                rows=repetition.conflict_pairs,
            ),
            reading(repetition.read, repetition.total),
        ),
        location=repetition.training.built,
        explains=("duplicate-samples", "noisy-labels"),
        subject=f"loader {repetition.training.index}",
        remedy=Remedy("settle the label of each such input, or drop them"),
    )


def _turned_apart(turns: PairedTurns) -> Finding:
    """The finding on an augmentation that is drawn for the input and for the target on its own."""
    return Finding(
        "inputs and targets are flipped or turned each on their own",
        evidence=(
            Evidence(
                "reads of one entry whose input and target were turned differently",
                f"{number(turns.apart)} of {number(turns.pairs)}",
                "0",
            ),
            Evidence("entries with such reads", number(turns.entries)),
        ),
        location=turns.training.built,
        explains=("uninformative-labels", "noisy-labels", "cannot-overfit", "flat-loss"),
        subject=f"loader {turns.training.index}",
        remedy=Remedy("draw the random change once, and apply it to the input and to the target"),
    )
