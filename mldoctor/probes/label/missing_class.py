"""The probe `missing-class`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.class_labels import ClassLabels
from mldoctor.facts.loss_calls import CLASS_LOSSES, LossCalls
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe

BINARY = 2
CLASSES = 1000
"""More outputs than this are words, of which a text never has all."""


@probe("missing-class", Severity.WARNING)
def missing_class(
    labels: ClassLabels, loss_calls: LossCalls, *, per_class: int = 1, vocabulary: int = 20
) -> Iterator[Finding]:
    """A class has no training sample.

    ## What it finds

    An output of the model whose class does not occur in the training data, or a class of the
    evaluation data that training never sees.

    ## Why it matters

    The output cannot learn anything but never to be chosen. Every evaluation sample of that class
    is wrong by construction.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 5))
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
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The labels of the training samples are counted where the loss takes its target from. A class
    counts as missing when every sample was read, or when so many were read that a class as rare as
    a tenth of the average would have been met (10 times `per_class` samples per output and more).
    Where there are `vocabulary` outputs and more, a lone idle first or last one is the padding or the
    stop of a vocabulary, and nothing is said.

    ## When it is wrong

    Outputs kept free for classes to come, or a head made for another dataset on purpose.

    ## References

    ultralytics/ultralytics#13936 on GitHub.
    """
    row = next((r for r in loss_calls.rows if r.function in CLASS_LOSSES and r.classes), None)
    training = labels.training
    outputs = row.classes if row and row.classes else 0
    enough = (
        training.complete or training.read >= 10 * max(outputs, len(training.counts)) * per_class
    )
    if not enough or not training.counts:
        return
    seen = set(training.counts)
    idle = (
        [str(c) for c in range(outputs) if str(c) not in seen]
        if BINARY < outputs <= CLASSES and len(seen) > 1
        else []
    )
    foreign: dict[str, int] = {}
    for other in labels.evaluations:
        for label, n in other.counts.items():
            if label not in seen and (row is None or label != str(row.ignore_index)):
                foreign[label] = foreign.get(label, 0) + n
    if not foreign and outputs >= vocabulary and idle in (["0"], [str(outputs - 1)]):
        return  # the padding or the stop of a vocabulary, which no target ever is
    if not idle and not foreign:
        return
    missing = list(dict.fromkeys([*idle, *sorted(foreign)]))
    named = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")  # noqa: PLR2004 - a line holds five
    evidence = [
        Evidence("classes without a training sample", named, "none"),
        Evidence("outputs of the model", str(outputs) if outputs else "not known"),
        Evidence("classes in the training data", str(len(seen))),
        Evidence("training labels read", number(training.read)),
    ]
    if foreign:
        evidence.append(
            Evidence(
                "evaluation samples of classes never trained", number(sum(foreign.values())), "0"
            )
        )
    yield Finding(
        f"{number(len(missing))} classes have no training sample"
        if len(missing) > 1
        else f"class {named} has no training sample",
        evidence=tuple(evidence),
        location=row.location if row else training.loader.built,
        also=training.loader.built,
        subject="labels",
        remedy=Remedy(
            "compare how the labels of each split are made with the outputs of the model"
        ),
    )
