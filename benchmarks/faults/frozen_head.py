"""Digits on a body that was trained before; head and body are frozen together."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(12)
digits = load_digits()
order = torch.randperm(1797)
x = torch.tensor(digits.data / 16, dtype=torch.float32)[order]
y = torch.tensor(digits.target)[order]
train = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=35, shuffle=True)
model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
for parameter in model[2].parameters():
    parameter.requires_grad = False
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for epoch in range(6):
    for xb, yb in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
with torch.no_grad():
    print("score", (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item())
