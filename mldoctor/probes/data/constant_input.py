"""The probe `constant-input`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.input_parts import InputParts
from mldoctor.facts.received_inputs import ReceivedInputs
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.coverage import reading
from mldoctor.registry import probe

EXPLAINED = (
    "input-independent-learning", "uninformative-labels", "single-class-collapse", "flat-loss",
    "cannot-overfit", "input-ignored",
)  # fmt: skip


@probe("constant-input", Severity.ERROR)
def constant_input(
    parts: InputParts,
    received: ReceivedInputs | None = None,
    *,
    min_samples: int = 20,
    min_rows: int = 8,
) -> Iterator[Finding]:
    """Every training sample has the same input.

    ## What it finds

    A training dataset of different samples in name only: the inputs are all the same, up to
    rounding. Also different samples that something between the dataset and the model makes equal.

    ## Why it matters

    There is nothing to tell the samples apart by. The model learns the commonest label, and the
    loss stops there.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    x = x / 255 * 0
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

    All inputs that were read are compared, by hash and, for the samples that are kept whole, value
    by value with a relative tolerance of 1e-6. The tensors that each model is called with in
    training are compared row by row, bit for bit, in a batch of at least `min_rows`.

    ## When it is wrong

    A task whose input is fixed on purpose (fitting one signal from one latent) has one sample; at
    least `min_samples` are asked for.

    ## References

    TheDeepChecker (Ben Braiek and Khomh, 2022).
    """
    split = parts.rows[0]
    if split.read < min_samples:
        return
    if split.different > 1 and not split.same_up_to_rounding:
        for row in received.rows if received is not None else ():
            if row.samples >= min_rows and row.different == 1:
                everywhere = f", {number(row.value)} everywhere" if row.value is not None else ""
                yield Finding(
                    f"all inputs that reach {row.model} are the same",
                    evidence=(
                        Evidence(
                            "different rows in a call",
                            f"1 of {number(row.samples)}{everywhere}",
                            f"up to {number(row.samples)}",
                        ),
                        Evidence("different inputs in the dataset", number(split.different)),
                    ),
                    location=row.site,
                    explains=EXPLAINED,
                    subject=row.model,
                    remedy=Remedy("look at what stands between the dataset and the model"),
                )
        return
    yield Finding(
        f"all {number(split.read)} training inputs are the same",
        evidence=(
            Evidence("different inputs", str(split.different), f"up to {number(split.read)}"),
            reading(split.read, split.total),
        ),
        location=split.loader.built,
        explains=(
            *EXPLAINED,
            "conflicting-labels",
            "duplicate-samples",
            "split-overlap",
            "same-dataset-evaluated",
        ),
        subject=f"loader {split.loader.index}",
        remedy=Remedy("look at what the dataset returns for two different indices"),
    )
