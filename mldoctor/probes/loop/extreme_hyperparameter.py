"""The probe `extreme-hyperparameter`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.accumulation import SCALE_FREE
from mldoctor.facts.hyperparameters import Group, Hyperparameters, OptimizerOptions
from mldoctor.facts.treatment_trial import TreatmentTrial
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.probes.treated import compared
from mldoctor.registry import probe

ORDINARY = 1e-6
"""The largest epsilon that an optimizer of torch has by default (Adadelta). Where even this one is far
above the denominator, it is the gradients that are too small."""

ALWAYS_CLIPPED = 100.0
"""Times the bound that every gradient must have: a bound near the usual norm clips the spikes alone."""

CRAWL = 3e-4
"""A third of the share of the weights that an update usually moves (1e-3); clipped at a usual bound,
the same loops have 0.01 to 0.1 here."""


@probe("extreme-hyperparameter", Severity.WARNING)
def extreme_hyperparameter(
    options: Hyperparameters,
    trial: TreatmentTrial | None = None,
    *,
    epsilon_share: float = 100.0,
    momentum: float = 0.999,
    clip_share: float = 1e4,
) -> Iterator[Finding]:
    """An option of the optimizer lies where it makes the update all but vanish, or never forget.

    ## What it finds

    An epsilon far above the denominator that it only has to keep from zero; momentum of one and more;
    betas in the wrong order; a clip bound that leaves nothing of an ordinary gradient.

    ## Why it matters

    A large epsilon turns Adam into gradient descent with a rate that is divided by it. With momentum at
    one, old gradients never fade and the weights run away. A tiny clip bound is a tiny rate.

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
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=10.0)
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
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, eps=1e-8)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Epsilon is compared with the median of the square roots of the second moments that it is added to,
    after the observed updates: it must be `epsilon_share` times as large, so that steps are shorter
    than the rate by that factor. Momentum counts from `momentum` on, betas when the square of the
    first is not below the root of the second, the condition under which Adam was shown to converge. A
    clip bound must be `clip_share` times below the median norm, with an optimizer for which the length
    matters; or 100 times below every norm, where a step of that length, its momentum counted, moves the
    weights by less than 3 in 10,000. Where the loop cannot learn and no cause explains it, it is run
    again with epsilon, betas and momentum at their usual values; if it learns then, that is the finding.

    ## When it is wrong

    A large epsilon together with a rate that was raised by as much, as some recipes for images do.

    ## References

    Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015 (section 4); Choi et al., On
    Empirical Comparisons of Optimizers for Deep Learning, 2019 (epsilon); Sutskever et al., On the
    importance of initialization and momentum in deep learning, 2013.
    """
    cure = trial.cure("extreme-hyperparameter") if trial is not None else None
    if trial is not None and cure is not None:
        row = options.optimizers[0]
        yield _finding(
            row,
            f"the loop learns with usual options of {row.kind}, and not with these",
            *(
                Evidence(name, value, usual)
                for group in row.groups[:1]
                for name, value, usual in _options(group)
            ),
            *compared(trial, cure),
        )
        return
    for row in options.optimizers:
        for group in row.groups:
            yield from _of_group(row, group, epsilon_share, momentum)
        yield from _of_clip(row, clip_share)


def _of_group(
    row: OptimizerOptions, group: Group, epsilon_share: float, momentum: float
) -> Iterator[Finding]:
    denominator = group.denominator
    chosen = group.epsilon is not None and group.epsilon > ORDINARY
    if chosen and group.epsilon and denominator and group.epsilon > epsilon_share * denominator:
        rate = group.rate * denominator / (denominator + group.epsilon)
        if rate < 1e-5:  # noqa: PLR2004 - a tenth of the rates that pretrained models are tuned with
            yield _finding(
                row,
                f"epsilon of {row.kind} is {number(group.epsilon / denominator)} times its denominator",
                Evidence("epsilon", number(group.epsilon), "1e-08"),
                Evidence("median root of the second moments", number(denominator)),
                Evidence("length of a step in one element", number(rate), f"about {group.rate:g}"),
            )
    if group.momentum is not None and group.momentum >= momentum:
        yield _finding(
            row,
            f"momentum of {row.kind} is {group.momentum:g}",
            Evidence("momentum", number(group.momentum, 4), "0.9"),
            Evidence("steps over which gradients are summed", _memory(group.momentum), "10"),
        )
    if len(group.betas) == 2 and group.betas[0] ** 2 >= group.betas[1] ** 0.5:  # noqa: PLR2004 - a pair
        yield _finding(
            row,
            f"betas of {row.kind} are in an order in which it need not converge",
            Evidence("betas", ", ".join(number(b, 4) for b in group.betas), "0.9, 0.999"),
            Evidence(
                "square of the first", number(group.betas[0] ** 2), f"< {group.betas[1] ** 0.5:.3f}"
            ),
        )


def _options(group: Group) -> Iterator[tuple[str, str, str]]:
    if group.epsilon is not None:
        yield "epsilon", number(group.epsilon), "1e-08"
    if group.betas:
        yield "betas", ", ".join(number(b, 4) for b in group.betas), "0.9, 0.999"
    if group.momentum is not None:
        yield "momentum", number(group.momentum, 4), "0.9"


def _of_clip(row: OptimizerOptions, clip_share: float) -> Iterator[Finding]:
    if not row.clip_norms or not row.clip_bound or row.kind.endswith(SCALE_FREE):
        return
    usual = sorted(row.clip_norms)[len(row.clip_norms) // 2]
    least = min(row.clip_norms)
    crawls = (
        least > ALWAYS_CLIPPED * row.clip_bound
        and row.clipped_step is not None
        and row.clipped_step < CRAWL
    )
    if usual > clip_share * row.clip_bound or crawls:
        yield _finding(
            row,
            f"the clip bound {row.clip_bound:g} leaves nothing of the gradients",
            Evidence("median gradient norm", number(usual)),
            Evidence("bound", number(row.clip_bound), "near the usual norm"),
            *(
                (Evidence("longest step, as a share of the weights", number(row.clipped_step)),)
                if row.clipped_step is not None
                else ()
            ),
        )


def _memory(momentum: float) -> str:
    return number(1 / (1 - momentum)) if momentum < 1 else "all"


def _finding(row: OptimizerOptions, said: str, *rows: Evidence) -> Finding:
    return Finding(
        said[:79],
        evidence=rows,
        location=row.built,
        explains=("frozen-model", "missing-step", *UNLEARNABLE),
        subject=f"{row.kind} {rows[0].name}",
        remedy=Remedy("begin from the optimizer's default for this option"),
    )
