"""The probe `metric-input-mismatch`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.metric_feeds import MetricFeed, MetricFeeds
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("metric-input-mismatch", Severity.WARNING)
def metric_input_mismatch(feeds: MetricFeeds) -> Iterator[Finding]:
    """A metric is given something else than it is made for: the score that is printed is another one.

    ## What it finds

    Predictions where a metric of scikit-learn wants the truth, and the truth where it wants the
    predictions; hard labels where a metric ranks samples by their score (ROC AUC, average precision);
    raw scores of a model under the threshold of one half that is meant for probabilities.

    ## Why it matters

    Exchanged, precision is recall and recall is precision, and a weighted F1 has the wrong weights. Of
    labels a ROC AUC knows a single point of the curve. A raw score of one half is a probability of 0.62,
    so the rarer class is missed more often than the model would. The model is judged, chosen and tuned
    by a number that says something else.

    ## Example

    ```python
    import torch
    from sklearn.metrics import precision_score
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=20, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(6):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            preds, labels = model(x[300:]).argmax(1), y[300:]
        print(precision_score(preds, labels))
    ```

    ## Use instead

    ```python
    import torch
    from sklearn.metrics import precision_score
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=20, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(6):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            preds, labels = model(x[300:]).argmax(1), y[300:]
        print(precision_score(labels, preds))
    ```

    ## How it is measured

    The source is read, not run. Arguments count as exchanged when the first is called by a word for
    predictions and the second by one for the truth, in a metric that changes with their order. Hard
    labels are what an `argmax`, a rounding or a comparison makes, directly or in a list that is filled
    with nothing else. The threshold counts where the same model's output, unchanged, goes into a binary
    cross entropy that applies the sigmoid itself.

    ## When it is wrong

    Names that say the opposite of what they hold. A threshold on raw scores that was tuned, and came out
    at one half.

    ## References

    scikit-learn documentation: `precision_score(y_true, y_pred)`, `roc_auc_score(y_true, y_score)`;
    PyTorch documentation of BCEWithLogitsLoss.
    """
    for row in feeds.rows:
        said, evidence, advice = _words(row)
        yield Finding(
            said[:79],
            evidence=evidence,
            location=row.location,
            also=row.made,
            subject=row.metric,
            remedy=Remedy(advice),
        )


def _words(row: MetricFeed) -> tuple[str, tuple[Evidence, ...], str]:
    """The message, what was seen, and the cure."""
    if row.what == "exchanged":
        return (
            f"{row.metric} is given the predictions as the truth",
            (Evidence("arguments", row.given[:60], "truth, then predictions"),),
            "exchange the two arguments",
        )
    if row.what == "labels":
        return (
            f"{row.metric} is given labels where it ranks scores",
            (Evidence("what it is given", row.given[:60], "scores or probabilities"),),
            "give it the score or the probability of the positive class",
        )
    return (
        "raw scores are compared with a threshold for probabilities",
        (
            Evidence("comparison", row.metric[:60], "with 0, or behind a sigmoid"),
            Evidence("loss of the same output", "binary_cross_entropy_with_logits"),
        ),
        "apply the sigmoid before the comparison, or compare the scores with 0",
    )
