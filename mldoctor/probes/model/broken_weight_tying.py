"""The probe `broken-weight-tying`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.tied_weights import TiedWeights
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("broken-weight-tying", Severity.WARNING)
def broken_weight_tying(tied: TiedWeights) -> Iterator[Finding]:
    """Weights that were meant to be tied are two tensors.

    ## What it finds

    An output layer that starts as a copy of the token embedding, to the last bit, and is then trained on
    its own; or a transformers model whose configuration ties the two while they share no storage.

    ## Why it matters

    The model is larger than it was meant to be, learns its words twice, and a checkpoint that is loaded
    into a tied model keeps only one of the two.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    ids = torch.cumsum(torch.randint(1, 3, (320, 17)), 1) % 40
    loader = DataLoader(TensorDataset(ids), batch_size=32, shuffle=True)


    class Next(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(40, 32)
            self.body = nn.GRU(32, 32, batch_first=True)
            self.out = nn.Linear(32, 40, bias=False)
            self.out.weight = nn.Parameter(self.words.weight.detach().clone())

        def forward(self, ids):
            return self.out(self.body(self.words(ids))[0])


    model = Next()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for (batch,) in loader:
            optimizer.zero_grad()
            scores = model(batch[:, :-1])
            loss = nn.functional.cross_entropy(scores.reshape(-1, 40), batch[:, 1:].reshape(-1))
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    ids = torch.cumsum(torch.randint(1, 3, (320, 17)), 1) % 40
    loader = DataLoader(TensorDataset(ids), batch_size=32, shuffle=True)


    class Next(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(40, 32)
            self.body = nn.GRU(32, 32, batch_first=True)
            self.out = nn.Linear(32, 40, bias=False)
            self.out.weight = self.words.weight

        def forward(self, ids):
            return self.out(self.body(self.words(ids))[0])


    model = Next()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for (batch,) in loader:
            optimizer.zero_grad()
            scores = model(batch[:, :-1])
            loss = nn.functional.cross_entropy(scores.reshape(-1, 40), batch[:, 1:].reshape(-1))
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Embeddings and linear layers of one shape in one model are compared: whether they share storage,
    whether the script had given both one parameter, what they were before the first update, and how far
    they are apart after the natural updates. Equal random weights do not come about by chance.

    ## When it is wrong

    An output layer that starts from the embedding on purpose and is left to go its own way.

    ## References

    Press and Wolf, Using the Output Embedding to Improve Language Models (2017); the documentation of
    `tie_word_embeddings` in transformers.
    """
    for pair in tied.pairs:
        meant = pair.copied or pair.declared or pair.tied is not None
        if pair.shared or not meant or pair.apart == 0:
            continue
        yield Finding(
            f"{pair.output} no longer shares its weights with {pair.embedding}"[:79],
            evidence=(
                Evidence("one tensor", "no", "yes"),
                Evidence("rows equal before the first update", "most" if pair.copied else "few"),
                Evidence("tied by the configuration", "yes" if pair.declared else "no"),
                Evidence("given one tensor before", "yes" if pair.tied is not None else "no"),
                Evidence("largest difference after the natural updates", number(pair.apart), "0"),
            ),
            location=pair.tied or pair.built,
            also=pair.built if pair.tied else None,
            subject=pair.output,
            remedy=Remedy(
                "assign the embedding's parameter itself, after everything that replaces it"
            ),
        )
