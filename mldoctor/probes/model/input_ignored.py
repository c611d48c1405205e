"""The probe `input-ignored`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.argument_effects import Argument
from mldoctor.facts.forward_dependence import ForwardDependence, ModelDependence
from mldoctor.facts.parameters import Parameters
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe

NO_INPUT = (
    "mask",
    "label",
    "target",
    "tgt",
    "length",
    "len",
    "teacher",
    "position",
    "type",
    "weight",
    "hidden",
)
"""Parts of argument names that say that a model may well do without it."""


@probe("input-ignored", Severity.ERROR)
def input_ignored(
    dependence: ForwardDependence, parameters: Parameters, *, min_updates: int = 3
) -> Iterator[Finding]:
    """The output of the model does not depend on its input, or on one of its inputs.

    ## What it finds

    A model whose output stays the same, to the last bit, whatever one of its required inputs holds,
    or whatever all of them hold.

    ## Why it matters

    The input that was collected, loaded and computed does nothing. A model that ignores all of its
    input can learn nothing but the frequencies of the labels.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    image = torch.randn(400, 8)
    table = torch.randn(400, 4)
    y = (image[:, 0] + image[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(image, table, y), batch_size=32, shuffle=True)

    class Fusion(nn.Module):
        def __init__(self):
            super().__init__()
            self.image = nn.Linear(8, 32)
            self.table = nn.Linear(4, 32)
            self.head = nn.Linear(64, 2)

        def forward(self, image, table):
            seen = torch.relu(self.image(image))
            known = torch.relu(self.table(torch.zeros_like(table)))
            return self.head(torch.cat([seen, known], 1))

    model = Fusion()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for ib, tb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(ib, tb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    image = torch.randn(400, 8)
    table = torch.randn(400, 4)
    y = (image[:, 0] + image[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(image, table, y), batch_size=32, shuffle=True)

    class Fusion(nn.Module):
        def __init__(self):
            super().__init__()
            self.image = nn.Linear(8, 32)
            self.table = nn.Linear(4, 32)
            self.head = nn.Linear(64, 2)

        def forward(self, image, table):
            seen = torch.relu(self.image(image))
            known = torch.relu(self.table(table))
            return self.head(torch.cat([seen, known], 1))

    model = Fusion()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for ib, tb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(ib, tb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The recorded call is repeated in eval mode with the input exchanged between samples, shifted along
    its second axis, and zeroed; an input without effect is tried in train mode too. Only required
    tensors with at least two axes are judged, not masks, labels, lengths and the like, and not the parts
    of a dictionary or tuple that is handed over whole: it may hold labels. At least
    `min_updates` updates must have moved the head, so that layers that start at zero are past.

    ## When it is wrong

    A signature that is shared by several models, of which this one has no use for an argument: give
    the argument a default.

    ## References

    The first checks of Karpathy, A Recipe for Training Neural Networks (2019): an input-independent
    baseline.
    """
    heads = parameters.heads()
    if parameters.updates < min_updates or not any(row.moved > 0 for row in heads):
        return
    for model in dependence.models:
        everything = model.arguments[0]
        if everything.effect is None:
            continue
        if everything.effect == 0:
            yield _finding(
                model, "its inputs", f"the output of {model.name} does not depend on its input"
            )
            continue
        for argument in model.arguments[1:]:
            if argument.effect == 0 and _is_input(argument):
                said = f"{argument.name} has no effect on the output of {model.name}"
                yield _finding(model, argument.name, said)


def _is_input(argument: Argument) -> bool:
    name = argument.name.rsplit(".", 1)[-1].lower()
    return (
        argument.required
        and not argument.part
        and argument.dimensions > 1
        and bool(name)
        and not any(part in name for part in NO_INPUT)
    )


def _finding(model: ModelDependence, what: str, said: str) -> Finding:
    return Finding(
        said[:79],
        evidence=(
            Evidence(f"change of the output when {what} change", "0, exactly", "above 0"),
            Evidence("tried", "other samples, another order, zeros; eval and train mode"),
        ),
        location=model.built or model.site,
        also=model.site if model.built else None,
        explains=("input-independent-learning", "cannot-overfit", "flat-loss"),
        subject=f"{model.name}.{what}",
        remedy=Remedy("use the input in forward, or take it out of the signature"),
    )
