"""The probe `cross-document-attention`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.packed_documents import PackedDocuments
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("cross-document-attention", Severity.WARNING)
def cross_document_attention(packed: PackedDocuments, *, share: float = 1e-3) -> Iterator[Finding]:
    """Documents packed into one row see each other.

    ## What it finds

    Rows that hold several documents, told apart by ids or by positions that start again, and a model
    whose output for a later document changes when only an earlier one does: the batch says where a
    document begins, and attention does not heed it.

    ## Why it matters

    Every document is read with an unrelated one in front of it, which will not be there later. The model
    learns to ignore its context, or takes facts from strangers; positions and attention contradict each
    other.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    steps = torch.randint(1, 4, (800, 1))
    rows = (steps * torch.arange(13) + torch.randint(0, 11, (800, 1))) % 11
    rows = rows.reshape(400, 2, 13)
    ids, targets = rows[:, :, :-1].flatten(1), rows[:, :, 1:].flatten(1)
    positions = torch.arange(12).repeat(2).expand(400, 24)
    loader = DataLoader(TensorDataset(ids, positions, targets), batch_size=32, shuffle=True)

    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(11, 32)
            self.position = nn.Embedding(12, 32)
            self.block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
            self.head = nn.Linear(32, 11)

        def forward(self, ids, places):
            length = ids.shape[1]
            hidden_from = torch.ones(length, length, dtype=torch.bool).triu(1)
            hidden = self.block(self.embed(ids) + self.position(places), src_mask=hidden_from)
            return self.head(hidden)

    model = Language()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(5):
        for xb, pb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb, pb).flatten(0, 1), yb.flatten())
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    steps = torch.randint(1, 4, (800, 1))
    rows = (steps * torch.arange(13) + torch.randint(0, 11, (800, 1))) % 11
    rows = rows.reshape(400, 2, 13)
    ids, targets = rows[:, :, :-1].flatten(1), rows[:, :, 1:].flatten(1)
    positions = torch.arange(12).repeat(2).expand(400, 24)
    loader = DataLoader(TensorDataset(ids, positions, targets), batch_size=32, shuffle=True)

    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(11, 32)
            self.position = nn.Embedding(12, 32)
            self.block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
            self.head = nn.Linear(32, 11)

        def forward(self, ids, places):
            length = ids.shape[1]
            causal = torch.ones(length, length, dtype=torch.bool).triu(1)
            document = (places == 0).cumsum(1)
            strangers = document[:, :, None] != document[:, None, :]
            hidden_from = (causal | strangers).repeat_interleave(4, 0)
            hidden = self.block(self.embed(ids) + self.position(places), src_mask=hidden_from)
            return self.head(hidden)

    model = Language()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(5):
        for xb, pb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb, pb).flatten(0, 1), yb.flatten())
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The recorded call is repeated in eval mode with the tokens inside of each row's first document
    exchanged for others of the same batch; the first and the last token of the document stay, since they
    may mark its border. The output at tokens of later documents may change by at most `share` of the
    change in the document itself.

    ## When it is wrong

    A model that is meant to read one document in the light of another and numbers their positions anew.
    Large language models have been pretrained without such a mask on purpose: their batches carry
    neither ids of documents nor positions that start again, and are not judged.

    ## References

    Krell and others, Efficient Sequence Packing without Cross-contamination (2021).
    """
    for model in packed.models:
        if model.later is None or model.later <= share:
            continue
        told = "positions that start again" if model.resets else "ids of documents"
        yield Finding(
            f"{model.name} lets the documents of a packed row see each other"[:79],
            evidence=(
                Evidence("documents in a row", f"up to {model.documents}"),
                Evidence(
                    "told apart by",
                    f"{told} in `{model.told_by}`" if model.told_by else told,
                    "" if model.given else "an argument of the model",
                ),
                Evidence(
                    "largest change of a later document, of that in the changed one",
                    number(model.later),
                    f"at most {share:g}",
                ),
                Evidence("later tokens that move", f"{100 * model.moved:.0f} %", "0 %"),
            ),
            location=model.built or model.site,
            also=model.site if model.built else None,
            subject=model.name,
            remedy=Remedy(
                "let a token attend only to tokens of its own document: a block-diagonal mask made "
                "from the ids, or attention over sequences of variable length"
            ),
        )
