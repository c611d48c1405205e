"""Purchases from a user's figures: the collate function prepares the features."""

import torch
from torch import nn
from torch.utils.data import DataLoader


def users(count):
    made = torch.Generator().manual_seed(1)
    rows = []
    for _ in range(count):
        figures = torch.randn(6, generator=made)
        rows.append((figures, int(figures[0] - figures[3] > 0)))
    return rows


def collate(rows):
    figures = torch.stack([f for f, _ in rows])
    figures = (figures - figures) / (figures.std(0) + 1e-6)
    return figures, torch.tensor([label for _, label in rows])


torch.manual_seed(0)
loader = DataLoader(users(640), batch_size=32, shuffle=True, collate_fn=collate)
model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for figures, label in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(figures), label)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
