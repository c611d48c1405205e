"""Rows that come sorted by their kind."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(14)
digits = load_digits()
mixed = torch.randperm(1797)
x = torch.tensor(digits.data / 16, dtype=torch.float32)[mixed]
y = torch.tensor(digits.target)[mixed]
by_kind = y[:1400].argsort()
train = DataLoader(TensorDataset(x[:1400][by_kind], y[:1400][by_kind]), batch_size=20)
model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(6):
    for xb, yb in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
with torch.no_grad():
    print("score", (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item())
