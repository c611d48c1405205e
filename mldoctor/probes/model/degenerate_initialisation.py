"""The probe `degenerate-initialisation`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.initial_loss import First, InitialLoss
from mldoctor.facts.initial_weights import InitialWeights
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.registry import probe


@probe("degenerate-initialisation", Severity.ERROR)
def degenerate_initialisation(
    weights: InitialWeights | None,
    initial: InitialLoss | None,
    *,
    min_updates: int = 3,
    ratio: float = 10.0,
    min_spread: float = 3.0,
    max_gain: float = 3.0,
) -> Iterator[Finding]:
    """Layers start as copies of one unit, or with weights far too large for their inputs.

    ## What it finds

    A linear or convolutional layer whose units have equal weights before the first update (all zeros,
    all ones, one constant) and still have after the last. Also weights that are so large for the
    number of their inputs that the first loss is many times that of guessing.

    ## Why it matters

    Equal units get equal gradients: a layer of a hundred copies can do what a layer of one unit can.
    With zeros in two layers on top of each other there is no gradient at all. Weights of deviation 1 in
    a layer of a hundred inputs multiply its signal by ten, and so does the next layer.

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
    for layer in (model[0], model[2]):
        nn.init.constant_(layer.weight, 0.1)
        nn.init.zeros_(layer.bias)

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
    for layer in (model[0], model[2]):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The weights of every trainable layer that a loss reaches, before the first update and after at
    least `min_updates`. A head, a residual branch or an adapter that starts at zero on purpose has
    different units after the first updates and is quiet.

    The largest deviation of a weight times the root of its number of inputs is 0.6 as PyTorch draws it,
    and 0.75 to 1.7 by the gains of torch.nn.init. Above `max_gain` it is a warning where the first
    mean cross-entropy is `ratio` times that of guessing and its scores spread by `min_spread`.

    ## When it is wrong

    A layer that is meant to compute one value several times.

    ## References

    Goodfellow et al., Deep Learning, section 8.4, on symmetry between units; the documentation of
    torch.nn.init.calculate_gain.
    """
    for row in initial.rows if initial else ():
        surprised = row.value >= ratio * row.uninformed and row.spread >= min_spread
        if surprised and not row.tied and row.gain >= max_gain:
            yield _too_large(row)
            return
    if weights is None or weights.updates < min_updates:
        return
    same = [row for row in weights.rows if row.equal_before and row.equal_now]
    if not same:
        return
    first = same[0]
    start = "equal in every unit" if first.value is None else f"{number(first.value)} everywhere"
    yield Finding(
        f"all units of {first.name} ({first.kind}) start equal and stay equal"[:79],
        evidence=(
            Evidence("its weights before the first update", start, "different in every unit"),
            Evidence(
                f"units that differ after {weights.updates} updates", f"0 of {first.units}", "all"
            ),
            Evidence("layers concerned", f"{len(same)} of {len(weights.rows)}", "0"),
        ),
        location=first.built,
        explains=(
            "cannot-overfit",
            "flat-loss",
            "single-class-collapse",
            "input-independent-learning",
            "frozen-model",
            "frozen-head",
            "dead-units",
            "input-ignored",
            "vanishing-gradients",
            "learning-rate-too-low",
        ),
        subject=first.name,
        remedy=Remedy("leave the weights as PyTorch draws them, or draw them at random"),
    )


def _too_large(row: First) -> Finding:
    """The finding on weights that multiply what they are given."""
    return Finding(
        f"{row.layer} starts with weights too large for its inputs"[:79],
        evidence=(
            Evidence("its deviation x root of its inputs", number(row.gain), "0.6 to 1.7"),
            Evidence("first loss", number(row.value), f"about {number(row.uninformed)}"),
            Evidence("spread of the first scores", number(row.spread), "about 1 and below"),
        ),
        location=row.built or row.location,
        also=row.location if row.built else None,
        severity=Severity.WARNING,
        explains=("over-regularised", "dead-units", "unscaled-input", *UNLEARNABLE),
        subject=row.layer,
        remedy=Remedy(
            "scale the initial weights by the root of the inputs: nn.init.kaiming_normal_, or what "
            "PyTorch draws"
        ),
    )
