"""Recipes by kind; the vocabulary was counted on stems, the texts hold whole words."""

import random
from collections import Counter

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

random.seed(0)
torch.manual_seed(0)
SWEET = "sugars honeys creams vanillas cakes berries chocolates syrups".split()
SALTY = "onions garlics peppers beans meats fishes cheeses herbs".split()
PLAIN = [f"{w}s" for w in "spoon pan oven bowl knife plate cup table hand minute hour step".split()]
texts, kinds = [], []
for i in range(500):
    words = random.sample(SWEET if i % 2 else SALTY, 4) + random.sample(PLAIN, 5) + ["with", "and"]
    random.shuffle(words)
    texts.append(words)
    kinds.append(i % 2)
stems = Counter(w.rstrip("s") for text in texts for w in text)
extra = [f"w{i}" for i in range(40)]
vocabulary = {"<pad>": 0, "<unk>": 1}
for word in [*stems, *extra]:
    vocabulary[word] = len(vocabulary)
ids = torch.tensor([[vocabulary.get(w, 1) for w in text] for text in texts])
kinds = torch.tensor(kinds)


class Bag(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.table = nn.Embedding(size, 16, padding_idx=0)
        self.gru = nn.GRU(16, 24, batch_first=True)
        self.out = nn.Linear(24, 2)

    def forward(self, tokens):
        return self.out(self.gru(self.table(tokens))[0][:, -1])


model = Bag(len(vocabulary))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loader = DataLoader(TensorDataset(ids, kinds), batch_size=25, shuffle=True)
for epoch in range(10):
    for tokens, kind in loader:
        loss = nn.functional.cross_entropy(model(tokens), kind)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
