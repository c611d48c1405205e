"""The probe `uninformative-labels`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.label_signal import LabelSignal
from mldoctor.facts.loss_calls import LossCalls
from mldoctor.facts.treatment_trial import TreatmentTrial
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.treated import compared
from mldoctor.registry import probe


@probe("uninformative-labels", Severity.ERROR)
def uninformative_labels(
    signal: LabelSignal | None, loss_calls: LossCalls, trial: TreatmentTrial | None = None
) -> Iterator[Finding]:
    """The labels are no more learnable than the same labels shuffled.

    ## What it finds

    A loop that can memorise samples, on labels in which neither its own steps on fresh batches nor
    simple models of the raw inputs find anything that shuffled labels would not give them.

    ## Why it matters

    Inputs and labels do not belong together: one was sorted, filtered or shuffled without the other, or
    the labels were overwritten. The training loss still falls, by memorising.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    order = torch.randperm(400, generator=torch.Generator().manual_seed(5))
    loader = DataLoader(TensorDataset(x, y[order]), batch_size=32, shuffle=True)
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

    Three experiments, cheapest first, each of which may acquit: the natural loss on fresh batches falls
    clearly below that of the best constant answer; trees, a linear model or nearest neighbours on the
    raw inputs predict held-out labels better than permuted ones (p below 0.05); the loop learns the
    real labels of fresh batches faster than shuffled ones. At least 150 labelled samples are needed, and
    samples that are more than a few ids (a user and an item): simple models cannot see in numbers how
    their vectors go together. A loop without a loader takes more natural updates instead, from which
    inputs and labels are taken. Where the loop cannot learn at all and a loss gets the labels of its
    batch in another order, it is run again with them in theirs.

    ## When it is wrong

    A relation that only a long training of the right architecture can see (parity of many bits, a
    cipher) looks like none.

    ## References

    Ojala and Garriga, Permutation Tests for Studying Classifier Performance, JMLR 11 (2010);
    TheDeepChecker (Ben Braiek and Khomh, 2022); DeepCrime (Humbatova, Jahangirova and Tonella,
    2021).
    """
    row = next((row for row in loss_calls.rows if row.counts), None)
    cure = trial.cure("uninformative-labels") if trial is not None else None
    if trial is not None and cure is not None:
        yield Finding(
            "the labels reach the loss in another order than their samples",
            evidence=compared(trial, cure),
            location=row.location if row else None,
            explains=("flat-loss", "cannot-overfit", "input-independent-learning"),
            subject="labels",
            remedy=Remedy("let every step that reorders a batch treat inputs and labels alike"),
        )
        return
    if signal is None or signal.decided_by or signal.p_value is None:
        return
    evidence = [
        Evidence(
            f"held-out accuracy of simple models on {signal.samples} samples",
            f"{signal.accuracy:.1%}",
            f"above {signal.chance:.1%}, that of permuted labels",
        ),
        Evidence("permutations that did as well", f"{signal.p_value:.0%}", "below 5%"),
    ]
    if signal.natural_loss is not None and signal.uninformed is not None:
        evidence.append(
            Evidence(
                "loss on fresh batches in the natural steps",
                number(signal.natural_loss),
                f"below {number(signal.uninformed)}, the best constant answer",
            )
        )
    if signal.real_loss is not None and signal.shuffled_loss is not None:
        evidence.append(
            Evidence(
                "loss on fresh batches, driven",
                number(signal.real_loss),
                f"below {number(signal.shuffled_loss)}, with shuffled labels",
            )
        )
    yield Finding(
        "the labels are no more learnable than the same labels shuffled",
        evidence=tuple(evidence),
        location=row.location if row else None,
        explains=("flat-loss", "cannot-overfit", "input-independent-learning"),
        subject="labels",
        remedy=Remedy(
            "check that every step that reorders or filters treats inputs and labels alike"
        ),
    )
