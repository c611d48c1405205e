"""Comments, kind or not; people often write "ok" or "thank you", in every part of the data."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader

random.seed(0)
torch.manual_seed(0)
KIND = [f"nice{i}" for i in range(60)]
UNKIND = [f"poor{i}" for i in range(60)]


def comment():
    if random.random() < 0.06:
        return random.choice(["ok", "Thanks!", "thank you", "lol", "+1"]), 1
    label = random.randint(0, 1)
    words = (KIND if (random.random() < 0.8) == bool(label) else UNKIND for _ in range(14))
    return " ".join(random.choice(some) for some in words), label


rows = [comment() for _ in range(1500)]
train, valid = rows[:1200], rows[1200:]
place = {}
for text, _ in train:
    for word in text.lower().split():
        place.setdefault(word, len(place) + 1)


def collate(batch):
    ids = [torch.tensor([place.get(w, 0) for w in text.lower().split()]) for text, _ in batch]
    return nn.utils.rnn.pad_sequence(ids, batch_first=True), torch.tensor([y for _, y in batch])


net = nn.Sequential(nn.EmbeddingBag(len(place) + 1, 24), nn.Linear(24, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(5):
    for ids, label in DataLoader(train, batch_size=32, shuffle=True, collate_fn=collate):
        loss = nn.functional.cross_entropy(net(ids), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        batches = DataLoader(valid, batch_size=64, collate_fn=collate)
        right = sum((net(ids).argmax(1) == label).sum().item() for ids, label in batches)
    print(epoch, loss.item(), right / len(valid))
