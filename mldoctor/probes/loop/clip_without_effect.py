"""The probe `clip-without-effect`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mldoctor.facts.step_order import Clip, Step, StepOrder
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe

SHRUNK = ("flat-loss", "cannot-overfit", "single-class-collapse", "learning-rate-too-low")
"""What follows when a bound meets gradients that are thousands of times as long as they should be."""

_SAID = {
    "after the step": "gradients are clipped after the step that used them",
    "before the backward": "gradients are clipped before the backward that makes them",
    "nothing": "the clip covers no tensor that an optimizer holds",
    "scaled": "gradients are clipped while the loss scale is still on them",
}


@probe("clip-without-effect", Severity.ERROR)
def clip_without_effect(
    order: StepOrder, *, min_steps: int = 4, share: float = 0.9
) -> Iterator[Finding]:
    """Gradients are clipped at a moment when it does nothing, or not what the bound says.

    ## What it finds

    A clip after the step, before the backward, of tensors that the optimizer does not hold, or (a
    warning) of gradients that are still multiplied by the loss scale.

    ## Why it matters

    The protection that the clip was put there for is missing: one bad batch can throw the weights far
    away. On scaled gradients the bound is reached by nearly every step, and shrinks all of them.

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
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
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
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    ```

    ## How it is measured

    Every call of torch's clipping functions is placed among the backwards, the unscaling and the steps
    around it, and the tensors it was given are compared with those the optimizer holds. In at least the
    given `share` of `min_steps` steps there must be a clip, and in none of them one that works.

    ## When it is wrong

    A clip with an infinite bound only measures the norm; it is quiet. So is a bound that is not reached
    during the observed steps: it is there for the batch that comes later.

    ## References

    PyTorch documentation, Automatic Mixed Precision examples (gradient clipping); Pascanu, Mikolov and
    Bengio, On the difficulty of training recurrent neural networks, 2013.
    """
    for rows in order.by_optimizer():
        clipped = [row for row in rows if _bounded(row)]
        if len(clipped) < min_steps or len(clipped) < share * len(rows):
            continue
        faults = [_fault(row) for row in clipped]
        kind, times = Counter(faults).most_common(1)[0]
        if not kind or times < share * len(clipped) or (kind != "scaled" and "" in faults):
            continue
        last = _bounded(clipped[-1])[-1]
        found = [c.norm for row in clipped for c in _bounded(row) if c.norm is not None]
        yield Finding(
            _SAID[kind],
            evidence=(
                Evidence("steps with such a clip", f"{times} of {len(rows)}", "0"),
                Evidence("norm that the clip found, at most", number(max(found, default=0.0))),
                Evidence("norm that the step used, at most", number(max(r.used for r in rows))),
                Evidence("bound", number(last.bound or 0.0)),
                Evidence("loss scale", number(clipped[-1].scale)),
            ),
            location=last.site,
            also=rows[0].site,
            explains=SHRUNK if kind == "scaled" else (),
            severity=Severity.WARNING if kind == "scaled" else None,
            subject=f"optimizer {rows[0].optimizer}",
            remedy=Remedy(
                "call scaler.unscale_(optimizer) before the clip"
                if kind == "scaled"
                else "clip the optimizer's own parameters between the backward and the step"
            ),
        )


def _bounded(row: Step) -> list[Clip]:
    return [
        c
        for c in row.clips
        if (c.covers or c.orphan) and c.bound is not None and c.bound < float("inf")
    ]


def _fault(row: Step) -> str:
    """What keeps the clips of one step from working; "" when one of them works."""
    clips = _bounded(row)
    mine = [c for c in clips if c.covers]
    if not mine:
        return "nothing"
    timely = [c for c in mine if c.when not in ("after the step", "before the backward")]
    if not timely:
        return mine[-1].when
    return "scaled" if all(c.scaled for c in timely) else ""
