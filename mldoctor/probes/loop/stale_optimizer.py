"""The probe `stale-optimizer`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.parameters import Parameters
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("stale-optimizer", Severity.ERROR)
def stale_optimizer(parameters: Parameters) -> Iterator[Finding]:
    """The optimizer holds tensors that are not the model's any more.

    ## What it finds

    Tensors in the optimizer that belong to no model that is called and that never had a gradient, while
    trainable parameters of the model are held by no optimizer: the model was rebuilt, wrapped, copied,
    re-initialised or given another head after the optimizer was made.

    ## Why it matters

    The optimizer dutifully steps on tensors that nobody uses, and the ones in use never move.

    ## Example

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
    model[2] = nn.Linear(32, 2)
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
    model[2] = nn.Linear(32, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    By identity: tensors of the optimizer against the parameters of every model that was called, and
    the parameters that a loss reaches against the tensors of every optimizer.

    ## When it is wrong

    An optimizer that also holds tensors outside of any module (learned loss weights, a temperature) is
    sound as long as the model's own parameters are held: nothing is said then.

    ## References

    huggingface/accelerate#2665 and #3256 on GitHub; pytorch/pytorch#107843 on GitHub.
    """
    orphans = [
        row
        for row in parameters.rows
        if row.trainable and row.graded and not row.held_by and row.moved == 0
    ]
    for optimizer in parameters.optimizers:
        if not optimizer.strangers or not orphans or not optimizer.steps:
            continue
        shapes = {"x".join(map(str, row.shape)) or "scalar" for row in orphans}
        late = [row for row in orphans if row.built_late]
        if not late and not shapes.intersection(optimizer.stranger_shapes):
            continue
        heads = [row for row in parameters.heads() if row in orphans]
        named = heads or late or orphans
        everything = optimizer.strangers == optimizer.tensors
        yield Finding(
            f"{optimizer.kind} holds {optimizer.strangers} tensors that no model uses",
            evidence=(
                Evidence(
                    "tensors held that no model uses",
                    f"{optimizer.strangers} of {optimizer.tensors}",
                    "0",
                ),
                Evidence("their shapes", ", ".join(optimizer.stranger_shapes)),
                Evidence("trainable tensors in use, held by no optimizer", str(len(orphans)), "0"),
                Evidence("for example", ", ".join(row.name for row in named[:3])),
            ),
            location=optimizer.built,
            also=named[0].built,
            explains=("frozen-head", "optimizer-missing-parameters")
            + (("frozen-model",) if everything else ()),
            subject=named[0].name,
            remedy=Remedy(
                "build the optimizer after the model has its final layers", recipe="distilbert_text"
            ),
        )
