"""The probe `unloaded-weights`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.loaded_weights import LoadedWeights
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("unloaded-weights", Severity.ERROR)
def unloaded_weights(
    loaded: LoadedWeights, *, share: float = 0.5, min_tensors: int = 4
) -> Iterator[Finding]:
    """A checkpoint was loaded and (most of) the model is still at its random start.

    ## What it finds

    A `load_state_dict(..., strict=False)` whose names do not fit: the checkpoint holds the model's
    tensors under names with another prefix (`module.`, `model.`, `encoder.`), or none of its names
    is the model's.

    ## Why it matters

    With `strict=False` names that do not fit are passed over in silence. What is called fine-tuning
    is training from scratch.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)


    def network():
        return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))


    parallel = nn.DataParallel(network())
    torch.save(parallel.state_dict(), "pretrained.pt")
    model = network()
    model.load_state_dict(torch.load("pretrained.pt"), strict=False)
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


    def network():
        return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))


    parallel = nn.DataParallel(network())
    torch.save(parallel.module.state_dict(), "pretrained.pt")
    model = network()
    model.load_state_dict(torch.load("pretrained.pt"))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The names and shapes on both sides of every `load_state_dict` are compared. Tensors that the
    checkpoint holds with the same shape under a name that only adds or lacks a prefix were meant and
    missed: at least `share` of the model's must be. A new head beside a loaded backbone is quiet, since
    nothing in the checkpoint fits it. Models of fewer than `min_tensors` tensors are not judged.

    ## When it is wrong

    A checkpoint of which, on purpose, only a small part is taken over by other names.

    ## References

    PyTorch, `nn.Module.load_state_dict`: with `strict=False` missing and unexpected keys are returned
    and not raised.
    """
    for row in loaded.rows:
        nothing = row.matched == 0 and row.given >= min_tensors
        if row.own < min_tensors or not (row.renamed >= share * row.own or nothing):
            continue
        missed = f"{number(row.own - row.matched)} of {number(row.own)}"
        yield Finding(
            f"{missed} tensors of {row.model} were not loaded"[:79],
            evidence=(
                Evidence(
                    "tensors of the model found in the checkpoint",
                    f"{number(row.matched)} of {number(row.own)}",
                    "all, or all but a new head",
                ),
                Evidence("in the checkpoint under another prefix", number(row.renamed), "0"),
                *(Evidence("for example", example) for example in row.examples[:1]),
            ),
            location=row.site or row.built,
            also=row.built if row.site else None,
            subject=row.model,
            remedy=Remedy("rename the keys so that they fit, and load with strict=True"),
        )
