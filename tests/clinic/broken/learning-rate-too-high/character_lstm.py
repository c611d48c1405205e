"""A character model over a made-up grammar, trained with plain SGD."""

import random

import torch
from torch import nn

random.seed(4)
torch.manual_seed(4)
words = ["the", "cat", "dog", "sat", "ran", "on", "under", "mat", "tree"]
corpus = " ".join(random.choice(words) for _ in range(4000))
letters = sorted(set(corpus))
index = {c: i for i, c in enumerate(letters)}
data = torch.tensor([index[c] for c in corpus])


class CharModel(nn.Module):
    def __init__(self, size, width=64):
        super().__init__()
        self.embed = nn.Embedding(size, 32)
        self.lstm = nn.LSTM(32, width, batch_first=True)
        self.out = nn.Linear(width, size)

    def forward(self, tokens):
        hidden, _ = self.lstm(self.embed(tokens))
        return self.out(hidden)


def get_batch(length=40, rows=16):
    starts = torch.randint(len(data) - length - 1, (rows,))
    x = torch.stack([data[s : s + length] for s in starts])
    y = torch.stack([data[s + 1 : s + length + 1] for s in starts])
    return x, y


model = CharModel(len(letters))
optimizer = torch.optim.SGD(model.parameters(), lr=150.0)
for step in range(300):
    x, y = get_batch()
    logits = model(x)
    loss = nn.functional.cross_entropy(logits.view(-1, len(letters)), y.view(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
