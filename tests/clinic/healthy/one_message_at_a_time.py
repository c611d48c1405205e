"""Messages are learned one at a time, as they come in; words without order."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader

random.seed(3)
torch.manual_seed(3)
GOOD, BAD, OTHER = range(1, 15), range(15, 29), range(29, 60)


def message():
    label = random.randrange(2)
    words = random.choices(OTHER, k=random.randint(4, 12)) + random.choices(BAD if label else GOOD, k=3)
    random.shuffle(words)
    return torch.tensor(words), label


messages = [message() for _ in range(900)]
loader = DataLoader(messages[:700], batch_size=1, shuffle=True)
bag = nn.EmbeddingBag(60, 24, mode="mean")
head = nn.Linear(24, 2)
model = nn.Sequential(bag, nn.ReLU(), head)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(3):
    total = 0.0
    for words, label in loader:
        loss = nn.functional.cross_entropy(model(words), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        right = sum(int(model(w[None]).argmax()) == y for w, y in messages[700:])
    print(epoch, round(total / len(loader), 4), right / 200)
