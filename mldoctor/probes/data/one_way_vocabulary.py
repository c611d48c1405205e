"""The probe `one-way-vocabulary`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.vocabularies import Vocabularies
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("one-way-vocabulary", Severity.ERROR)
def one_way_vocabulary(found: Vocabularies, *, min_lost: int = 2) -> Iterator[Finding]:
    """A word becomes a number, and the number another word.

    ## What it finds

    A map from words to numbers and one from numbers to words, of the same words and the same
    numbers, that do not undo each other.

    ## Why it matters

    The model may learn well, and all that it writes is read wrongly: every generated text and every
    predicted class gets the name of another one. Losses and accuracies do not show it.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    words = [f"w{i}" for i in range(40)]
    encode = {word: i for i, word in enumerate(words)}
    decode = {i: word for i, word in enumerate(sorted(words))}
    ids = torch.tensor([[encode[f"w{int(i)}"] for i in row] for row in torch.randint(0, 40, (400, 8))])
    y = (ids < 12).sum(1).gt(2).long()
    loader = DataLoader(TensorDataset(ids, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.EmbeddingBag(40, 16), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    print(" ".join(decode[int(i)] for i in ids[0]))
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    words = [f"w{i}" for i in range(40)]
    encode = {word: i for i, word in enumerate(words)}
    decode = {i: word for word, i in encode.items()}
    ids = torch.tensor([[encode[f"w{int(i)}"] for i in row] for row in torch.randint(0, 40, (400, 8))])
    y = (ids < 12).sum(1).gt(2).long()
    loader = DataLoader(TensorDataset(ids, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.EmbeddingBag(40, 16), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    print(" ".join(decode[int(i)] for i in ids[0]))
    ```

    ## How it is measured

    Dictionaries of ten words and more are taken from the variables of the script's modules and of
    its running functions, and from the attributes of its own objects. Every map from numbers to
    words is compared with the map from words to numbers that comes nearest: nine in ten words and
    nine in ten numbers must be the same. Words that share a number (the unknown word) are left out,
    and so are words or numbers that only one side knows (a start or stop). At least `min_lost`
    words must come back as another word. Where all numbers differ by the same amount, one side may
    keep a place free for padding or background, and nothing is said.

    ## When it is wrong

    Two numberings of the same words that are kept apart on purpose, with only one direction of each.

    ## References

    udacity/AIND-NLP#1 on GitHub: training is not affected, and what is read back is word salad.
    """
    for row in found.rows:
        if row.lost < min_lost or row.shifted:
            continue
        yield Finding(
            f"{number(row.lost)} of {number(row.words)} words come back as another word",
            evidence=(
                Evidence(
                    f"words that {row.encoder} and {row.decoder} do not bring back",
                    f"{number(row.lost)} of {number(row.words)}",
                    "0",
                ),
                Evidence("examples", "; ".join(row.examples), sample=True),
            ),
            subject=row.decoder,
            remedy=Remedy("make one map from the other: {number: word for word, number in ...}"),
        )
