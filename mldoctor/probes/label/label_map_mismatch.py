"""The probe `label-map-mismatch`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.simple_relations import SimpleRelations
from mldoctor.facts.split_columns import SplitColumns
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("label-map-mismatch", Severity.ERROR)
def label_map_mismatch(
    relations: SimpleRelations,
    columns: SplitColumns,
    *,
    gain: float = 0.3,
    min_permuted: float = 0.6,
) -> Iterator[Finding]:
    """Training and evaluation number the classes differently.

    ## What it finds

    Class names with different numbers in the two datasets, or evaluation labels that are wrong as
    they stand and right after the classes are renamed.

    ## Why it matters

    The model may be perfect and the evaluation says it knows nothing, or less than chance.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    other = torch.randn(200, 8)
    validation = DataLoader(TensorDataset(other, (other[:, 0] + other[:, 1] < 0).long()), batch_size=32)
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
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    other = torch.randn(200, 8)
    validation = DataLoader(TensorDataset(other, (other[:, 0] + other[:, 1] > 0).long()), batch_size=32)
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

    Maps that both datasets carry (`class_to_idx`, `label2id`, ...) are compared. And the evaluation
    samples are labelled by their nearest training samples, texts by the words of each class: the
    share of right answers, and the same under the best one-to-one renaming of the classes. The
    renaming must gain `gain` and reach `min_permuted`, as the labels of held-out training samples do.

    ## When it is wrong

    Classes so alike that neighbours cannot tell them apart are not judged.

    ## References

    facebookresearch/deit#130 on GitHub; weecology/DeepForest#1147 on GitHub;
    open-mmlab/mmpretrain#507 on GitHub; modestyachts/ImageNetV2#10 on GitHub.
    """
    for names in columns.names:
        if names.different:
            yield Finding(
                f"{len(names.different)} classes have another number in the evaluation data",
                evidence=(
                    Evidence("differences", "; ".join(names.different[:3]), "none"),
                    Evidence("found in", names.attribute),
                    Evidence("names in both", str(names.shared)),
                ),
                location=names.evaluation.built,
                also=columns.training.built,
                explains=("missing-class",),
                subject=f"loader {names.evaluation.index}",
                remedy=Remedy("make one map from the training classes and use it for every split"),
            )
            return
    for row in relations.maps:
        wrong = row.permuted >= row.accuracy + gain and row.permuted >= min_permuted
        if not wrong or row.known < min_permuted or len(row.renamed) < 2:  # noqa: PLR2004 - a renaming swaps
            continue
        yield Finding(
            "the evaluation labels fit only after the classes are renamed",
            evidence=(
                Evidence(
                    "evaluation labels as predicted from the training data",
                    f"{row.accuracy:.0%}",
                    f"near {row.known:.0%}",
                ),
                Evidence("the same after renaming", f"{row.permuted:.0%}"),
                Evidence("renaming", ", ".join(row.renamed[:5])),
                Evidence("evaluation samples", number(row.samples)),
            ),
            location=row.evaluation.built,
            subject=f"loader {row.evaluation.index}",
            remedy=Remedy("make one map from the training classes and use it for every split"),
        )
