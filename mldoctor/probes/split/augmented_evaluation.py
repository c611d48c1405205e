"""The probe `augmented-evaluation`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.class_labels import ClassLabels
from mldoctor.facts.sample_stability import SampleStability
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("augmented-evaluation", Severity.WARNING)
def augmented_evaluation(stability: SampleStability, labels: ClassLabels) -> Iterator[Finding]:
    """Evaluation samples pass through the training augmentation.

    ## What it finds

    Evaluation entries that differ from one read to the next, in a dataset or with a transform that
    the training data uses too.

    ## Why it matters

    The score is measured on distorted samples and changes from run to run by chance: too low, too
    noisy, and not comparable.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, Dataset, random_split


    class Noisy(Dataset):
        def __init__(self, x, y):
            self.x, self.y = x, y

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            return self.x[i] + 0.1 * torch.randn(8), self.y[i]


    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    train, held_out = random_split(Noisy(x, y), [320, 80])
    loader = DataLoader(train, batch_size=32, shuffle=True)
    validation = DataLoader(held_out, batch_size=32)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in validation)
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, Dataset


    class Noisy(Dataset):
        def __init__(self, x, y, noise):
            self.x, self.y, self.noise = x, y, noise

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            return self.x[i] + self.noise * torch.randn(8), self.y[i]


    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(Noisy(x[:320], y[:320], 0.1), batch_size=32, shuffle=True)
    validation = DataLoader(Noisy(x[320:], y[320:], 0.0), batch_size=32)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in validation)
    ```

    ## How it is measured

    A few entries of both loaders are read six times under different random states. Both must
    change, and both must come from one dataset object or use one transform object: a split made
    after the augmentation was attached.

    ## When it is wrong

    Test-time augmentation that is averaged over on purpose. Tasks without class labels (contrastive
    pairs, masked inputs) are not judged.

    ## References

    gpleiss/efficient_densenet_pytorch#51 on GitHub.
    """
    training = stability.rows[0]
    if not training.random or not labels.training.counts:
        return
    for row in stability.rows[1:]:
        if not row.random or not row.shared or row.loader.role == "training":
            continue
        yield Finding(
            "evaluation samples pass through the training augmentation",
            evidence=(
                Evidence(
                    "evaluation entries that differ between reads",
                    f"{row.random} of {row.entries}",
                    "0",
                ),
                Evidence(
                    "training entries that differ between reads",
                    f"{training.random} of {training.entries}",
                ),
                Evidence("dataset of both", row.dataset),
            ),
            location=row.loader.built,
            also=training.loader.built,
            subject=f"loader {row.loader.index}",
            remedy=Remedy(
                "build the evaluation dataset apart, without the random transform, and split by index"
            ),
        )
