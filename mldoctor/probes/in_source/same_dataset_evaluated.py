"""What the source alone shows of `same-dataset-evaluated`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.shared_datasets import SharedDatasets
from mldoctor.findings import Evidence, Finding, Remedy
from mldoctor.registry import reading


@reading("same-dataset-evaluated")
def same_dataset_evaluated(shared_datasets: SharedDatasets) -> Iterator[Finding]:
    """The training loader and the evaluation loader are built on the same dataset, without samplers."""
    for row in shared_datasets.rows:
        yield Finding(
            f"{row.evaluation} reads the dataset that {row.training} trains on"[:79],
            evidence=(
                Evidence(f"dataset of {row.training}", row.dataset),
                Evidence(f"dataset of {row.evaluation}", row.dataset, "another one"),
            ),
            location=row.location,
            also=row.trained,
            subject=row.evaluation,
            remedy=Remedy(f"build {row.evaluation} on data that is not trained on"),
        )
