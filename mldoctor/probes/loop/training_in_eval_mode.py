"""The probe `training-in-eval-mode`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.forwards import Forwards
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("training-in-eval-mode", Severity.ERROR)
def training_in_eval_mode(forwards: Forwards, *, min_calls: int = 3) -> Iterator[Finding]:
    """The training step runs while the model is in eval mode.

    ## What it finds

    Forward passes that are back-propagated and stepped on while the model is in eval mode, in a model
    with layers for which the mode matters: all of them, or all since an evaluation.

    ## Why it matters

    Dropout is off and batch normalisation uses statistics that no longer move: the regularisation that
    was chosen is not there, and normalisation drifts away from the weights.

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
    model.eval()
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
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The mode of every model is read at each forward pass that a backward follows; only models whose own
    parameters an optimizer steps on count, and only layers with dropout above zero or with running
    statistics make the mode matter. The first epoch of a hand-written loop is ended early, so that the
    return from its validation is seen too. At least `min_calls` such calls are needed, and no training
    call in train mode may follow them.

    ## When it is wrong

    Fine-tuning with the whole network in eval mode on purpose, as some recipes for tiny batches do.

    ## References

    fartashf/vsepp#4 on GitHub; MILVLG/mcan-vqa#26 on GitHub.
    """
    for model in forwards.models:
        if not model.mode_dependent or model.trained_in_eval < min_calls:
            continue
        if model.back_in_train:
            continue
        after = model.trained_in_train > 0
        yield Finding(
            f"{model.name} is trained in eval mode{' after an evaluation' if after else ''}"[:79],
            evidence=(
                Evidence("training calls in eval mode", str(model.trained_in_eval), "0"),
                Evidence("training calls in train mode, before", str(model.trained_in_train)),
                Evidence("updates done at the first in eval mode", str(model.first_eval_update)),
                Evidence(
                    "layers for which the mode matters",
                    f"{len(model.mode_dependent)}: {', '.join(model.mode_dependent[:3])}",
                ),
            ),
            location=model.site,
            subject=model.name,
            remedy=Remedy(f"call {model.name}.train() at the start of each epoch"),
        )
