"""The probe `split-overlap`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.held_overlap import HeldOverlap
from mldoctor.facts.split_overlap import Overlap, SplitOverlap
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.coverage import examples, missed, pairs
from mldoctor.registry import probe


@probe("split-overlap", Severity.ERROR)
def split_overlap(
    overlap: SplitOverlap | None, held: HeldOverlap | None = None, *, whole: float = 0.99
) -> Iterator[Finding]:
    """Samples stand in the training data and in the evaluation data.

    ## What it finds

    Evaluation samples whose input also is the input of a training sample: the same entry of one dataset,
    or the same content after normalisation.

    ## Why it matters

    The score on those samples measures memory. It also steers early stopping and the choice of the
    checkpoint.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    validation = DataLoader(TensorDataset(x[390:], y[390:]), batch_size=32)
    extra = torch.randn(90, 8)
    answers = (extra[:, 0] + extra[:, 1] > 0).long()
    validation = DataLoader(
        TensorDataset(torch.cat([x[390:], extra]), torch.cat([y[390:], answers])), batch_size=32
    )
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in validation)
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
    loader = DataLoader(TensorDataset(x[:320], y[:320]), batch_size=32, shuffle=True)
    validation = DataLoader(TensorDataset(x[320:], y[320:]), batch_size=32)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in validation)
    ```

    ## How it is measured

    Every sample of both sides is read from the datasets, whatever the order of the loaders, and joined
    on a 128-bit hash of its input: numbers without regard to type, layout and end padding; texts
    without regard to case, space, punctuation and Unicode form. Labels and ids do not count. Views of
    one dataset are also joined by entry. What does not fit into the budget is sampled; the evidence
    says how much was read, and a sample of n finds an overlap of rate p with probability 1-(1-p)^n.
    From a share of `whole` on the evaluation reads the training data: see same-dataset-evaluated.
    A loop without a loader is judged by its variables: the smallest arrays that the rows of its training
    batch and of its evaluations stand in.
    Files are joined on 64-bit hashes, and validation and test files also with each other.

    ## When it is wrong

    Short rows over a small alphabet (states, moves, digits) repeat by chance: an equal row counts only
    when a trigram model of the training rows expects fewer than 0.05 of it, and so many of them as there
    are have a chance below 1 % together.
    Texts of up to three words that occur three times in training and more ("ok", "thank you") are
    what people write: where nothing else is shared, the finding is a note.

    ## References

    MakazhanAlpamys/Soup#680 on GitHub; HUST-NingKang-Lab/BGC-Prophet#8 on GitHub;
    ratschlab/aestetik#8 on GitHub; ratschlab/aestetik#12 on GitHub; examples/majority_class.
    """
    if overlap is None and held is not None:
        overlap = held.found
    if overlap is None:
        return
    for row in overlap.rows:
        shared = row.shared
        if not shared or is_whole(row, whole):
            continue
        first = "training" if row.against is None else row.against.split
        other = row.evaluation.split if row.evaluation.split != first else "evaluation"
        yield Finding(
            f"{number(shared)} {other} samples also stand in the {first} data",
            evidence=(
                Evidence(
                    f"{other} samples in the {first} data",
                    f"{shared} of {row.read} read",
                    "0",
                ),
                Evidence(f"{first} samples read", _of(row.train_read, row.train_total)),
                Evidence(f"{other} samples read", _of(row.read, row.total)),
                *missed(row.read, row.total, row.train_read, row.train_total),
                Evidence(
                    f"pairs ({first} index = {other} index)", pairs(row.pairs), rows=row.pairs
                ),
                Evidence("of those, the same entry of one dataset", str(row.same_entries))
                if row.verbatim is None
                else Evidence("of those, equal to the letter", number(row.verbatim)),
                *(
                    (Evidence("of those, a few words that recur in training", str(row.sayings)),)
                    if row.sayings
                    else ()
                ),
                *examples(row.examples),
            ),
            location=row.evaluation.built,
            also=(row.against or overlap.training).built,
            severity=_severity(row),
            subject=f"loader {row.evaluation.index}"
            + (f" and {row.against.index}" if row.against else ""),
            remedy=Remedy("split by content: drop duplicates first, then divide"),
        )


def _severity(row: Overlap) -> Severity | None:
    if row.sayings == row.shared:
        return Severity.NOTE
    # Copies between two evaluation sets steer the choice of a model, not what it learned.
    return None if row.against is None else Severity.WARNING


def is_whole(row: Overlap, whole: float = 0.99) -> bool:
    """Whether the evaluation reads the training data throughout (see same-dataset-evaluated)."""
    return row.read > 0 and row.against is None and row.shared >= whole * row.read


def _of(read: int, total: int | None) -> str:
    return (
        f"{number(read)} of {number(total)}" if total is not None else f"{number(read)} of a stream"
    )
