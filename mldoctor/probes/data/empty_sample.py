"""The probe `empty-sample`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.input_parts import InputParts
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.coverage import reading
from mldoctor.registry import probe


@probe("empty-sample", Severity.ERROR)
def empty_sample(parts: InputParts) -> Iterator[Finding]:
    """Samples hold nothing: an empty text, no time step, or nothing but padding.

    ## What it finds

    Samples of any split whose text is empty, whose sequence has no step, or whose attention mask is
    zero everywhere.

    ## Why it matters

    The model is taught a label for nothing. Attention over no position gives NaN, a mean over no
    token divides by zero, and the label that such samples share most becomes the answer to every
    strange input.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    words = ["good", "bad", "film", "plot", "long", "dull", "warm", "odd"]
    rows = [(f"{a} {b}", int(a < b)) for a in words for b in words if a != b] + [("", 0)] * 3


    def collate(batch):
        hot = torch.zeros(len(batch), 16)
        for i, (text, _) in enumerate(batch):
            for j, word in enumerate(text.split()):
                hot[i, 8 * j + words.index(word)] = 1
        return hot, torch.tensor([label for _, label in batch])


    loader = DataLoader(rows, batch_size=16, shuffle=True, collate_fn=collate)
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(10):
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
    words = ["good", "bad", "film", "plot", "long", "dull", "warm", "odd"]
    rows = [(f"{a} {b}", int(a < b)) for a in words for b in words if a != b]


    def collate(batch):
        hot = torch.zeros(len(batch), 16)
        for i, (text, _) in enumerate(batch):
            for j, word in enumerate(text.split()):
                hot[i, 8 * j + words.index(word)] = 1
        return hot, torch.tensor([label for _, label in batch])


    loader = DataLoader(rows, batch_size=16, shuffle=True, collate_fn=collate)
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(10):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Texts are looked at after white space is taken off, sequences by their number of values,
    tokenised samples by their attention mask.

    ## When it is wrong

    A column that may be empty beside another text: only samples in which every text is empty count.

    ## References

    examples/majority_class.
    """
    for split in parts.rows:
        if not split.empty:
            continue
        yield Finding(
            f"{number(split.empty)} {split.loader.split} samples hold nothing",
            evidence=(
                Evidence("what they hold", split.empty_how, "at least one word or step"),
                Evidence(
                    "such samples", f"{number(split.empty)} of {number(split.kept)} looked at", "0"
                ),
                Evidence("dataset index", ", ".join(map(str, split.empty_index[:5]))),
                reading(split.kept, split.total, split.loader.split),
            ),
            location=split.loader.built,
            subject=f"loader {split.loader.index}",
            remedy=Remedy("drop these samples before the labels are taken, with their labels"),
        )
