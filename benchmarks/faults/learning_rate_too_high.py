"""Digits by a convolutional network."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
digits = load_digits()
order = torch.randperm(1797)
x = torch.tensor(digits.images / 16, dtype=torch.float32)[order].unsqueeze(1)
y = torch.tensor(digits.target)[order]
train = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=40, shuffle=True)
model = nn.Sequential(
    nn.Conv2d(1, 12, 3),
    nn.ReLU(),
    nn.Conv2d(12, 24, 3),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(384, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=0.5)
for epoch in range(8):
    for images, labels in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
with torch.no_grad():
    print("score", (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item())
