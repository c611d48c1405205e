"""The probe `embedding-collapse`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.embedding_spread import Embedding
from mldoctor.facts.embedding_trend import EmbeddingTrend
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("embedding-collapse", Severity.ERROR, symptom=True)
def embedding_collapse(
    trend: EmbeddingTrend,
    *,
    left: float = 0.2,
    closest: float = 0.15,
    vanished: float = 0.02,
    lowest_rank: float = 1.5,
) -> Iterator[Finding]:
    """A model that learns from comparisons maps every input to the same place.

    ## What it finds

    Training with triplets, pairs or two views of a sample, in which the representations of different
    inputs have become nearly the same, or have been squeezed into a single direction, although they
    differed before training.

    ## Why it matters

    The loss looks fine: two views of a sample agree perfectly when everything agrees with everything.
    The representation says nothing about its input, and whatever is trained on it stays at chance.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    centres = torch.randn(10, 20)
    x = centres[torch.randint(0, 10, (640,))] + 0.3 * torch.randn(640, 20)
    loader = DataLoader(TensorDataset(x), batch_size=64, shuffle=True)
    encoder = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 32))
    optimizer = torch.optim.Adam(encoder.parameters(), lr=3e-3)
    for epoch in range(30):
        for (xb,) in loader:
            first = encoder(xb + 0.2 * torch.randn_like(xb))
            second = encoder(xb + 0.2 * torch.randn_like(xb))
            loss = nn.functional.mse_loss(first, second)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    centres = torch.randn(10, 20)
    x = centres[torch.randint(0, 10, (640,))] + 0.3 * torch.randn(640, 20)
    loader = DataLoader(TensorDataset(x), batch_size=64, shuffle=True)
    encoder = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 32))
    optimizer = torch.optim.Adam(encoder.parameters(), lr=3e-3)
    for epoch in range(30):
        for (xb,) in loader:
            first = encoder(xb + 0.2 * torch.randn_like(xb))
            second = encoder(xb + 0.2 * torch.randn_like(xb))
            alike = nn.functional.normalize(first) @ nn.functional.normalize(second).T
            loss = nn.functional.cross_entropy(alike / 0.2, torch.arange(len(xb)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The mean distance between the representations of a recorded batch, relative to their length, is taken
    with the weights from before the first update and after the natural steps. Where it has shrunk, the
    loop takes 150 steps more. Collapsed is what keeps at most `left` of its first spread and at most
    `closest` of the spread of unrelated directions; or what keeps at most `vanished` of its first
    distances under a loss that measures them; or, without labels, what began with many directions and
    has an effective rank of at most `lowest_rank`.

    ## When it is wrong

    A model that is meant to map everything near one point, such as a detector of what is unlike its
    training data.

    ## References

    Chen and He, Exploring Simple Siamese Representation Learning (2021), figure 2: the deviation of the
    outputs as the sign of a collapse. Jing and others, Understanding Dimensional Collapse in Contrastive
    Self-supervised Learning (2022). Roy and Vetterli, The effective rank (2007).
    """
    for model in trend.models:
        gone = model.now.relative <= min(closest, left * model.initial.relative)
        measured = model.compared in ("triplet_margin_loss", "hinge_embedding_loss")
        shrunk = measured and model.now.distance <= vanished * model.initial.distance
        flat = (
            not model.labelled
            and model.now.rank <= lowest_rank
            and model.initial.rank >= 4 * lowest_rank
        )
        if not (gone or shrunk or flat):
            continue
        text = (
            "maps every input to the same place" if gone or shrunk else "keeps one direction only"
        )
        yield Finding(
            f"{model.name} {text}"[:79],
            evidence=_rows(model),
            location=model.site or model.built,
            also=model.built if model.site else None,
            subject=model.name,
            remedy=Remedy(
                "add what pushes different samples apart: negatives, a variance term, or a predictor "
                "with a stopped gradient on the other view; check that the loss has the right sign "
                "and lower the rate"
            ),
        )


def _rows(model: Embedding) -> tuple[Evidence, ...]:
    return (
        Evidence(
            f"distance of two of {model.samples} samples, after {model.updates} updates",
            f"{number(model.now.relative)} of that of unrelated directions",
            f"{number(model.initial.relative)} before training",
        ),
        Evidence(
            "the same, absolute",
            number(model.now.distance),
            f"{number(model.initial.distance)} before training",
        ),
        Evidence(
            f"effective rank of {model.features} features",
            number(model.now.rank),
            f"{number(model.initial.rank)} before training",
        ),
    )
