"""The probe `missing-pooled-output`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.script_failure import ScriptFailure
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe

POOLED = "pooler_output"


@probe("missing-pooled-output", Severity.ERROR)
def missing_pooled_output(failure: ScriptFailure) -> Iterator[Finding]:
    """The code reads the pooled output of an encoder that has none.

    ## What it finds

    A script that ended with an error at a line that reads `pooler_output`, because the encoder does not
    return one (DistilBERT), or returns None for it (BERT built with `add_pooling_layer=False`).

    ## Why it matters

    Code that was written for one encoder fails with another, though both give one vector per token.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset
    from transformers import DistilBertConfig, DistilBertModel

    torch.manual_seed(0)
    ids = torch.randint(1, 50, (320, 16))
    y = (ids[:, 1] < 25).long()
    loader = DataLoader(TensorDataset(ids, y), batch_size=32, shuffle=True)


    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = DistilBertModel(
                DistilBertConfig(vocab_size=50, dim=32, hidden_dim=64, n_layers=1, n_heads=2)
            )
            self.head = nn.Linear(32, 2)

        def forward(self, ids):
            return self.head(self.encoder(ids).pooler_output)


    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
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
    from transformers import DistilBertConfig, DistilBertModel

    torch.manual_seed(0)
    ids = torch.randint(1, 50, (320, 16))
    y = (ids[:, 1] < 25).long()
    loader = DataLoader(TensorDataset(ids, y), batch_size=32, shuffle=True)


    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = DistilBertModel(
                DistilBertConfig(vocab_size=50, dim=32, hidden_dim=64, n_layers=1, n_heads=2)
            )
            self.head = nn.Linear(32, 2)

        def forward(self, ids):
            return self.head(self.encoder(ids).last_hidden_state[:, 0])


    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The exception that ended the script is looked at: its message or the user's line that raised it must
    name the pooled output.

    ## When it is wrong

    Never known to be: the script did not run past that line.

    ## References

    The documentation of transformers: `BaseModelOutput` has `last_hidden_state`, only
    `BaseModelOutputWithPooling` has `pooler_output`.
    """
    missing = failure.kind == "AttributeError" and POOLED in failure.message
    absent = failure.kind in ("AttributeError", "TypeError") and "NoneType" in failure.message
    if not (missing or (absent and POOLED in failure.line)):
        return
    yield Finding(
        "the encoder has no pooled output for this line to read",
        evidence=(
            Evidence("raised", f"{failure.kind}: {failure.message}"),
            Evidence("the line", failure.line),
        ),
        location=failure.site,
        subject=POOLED,
        remedy=Remedy(
            "take the first token of last_hidden_state, which every encoder returns",
            recipe="distilbert_text",
        ),
    )
