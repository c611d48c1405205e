"""A network with batch normalisation over raw measurements of wine."""

import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
wine = load_wine()
order = torch.randperm(178)
x = torch.tensor(wine.data, dtype=torch.float32)[order]
y = torch.tensor(wine.target)[order]
train = DataLoader(TensorDataset(x[:130], y[:130]), batch_size=26, shuffle=True)
model = nn.Sequential(
    nn.BatchNorm1d(13), nn.Linear(13, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)


def accuracy():
    model.eval()
    with torch.no_grad():
        return (model(x[130:]).argmax(1) == y[130:]).float().mean().item()


accuracy()
for epoch in range(40):
    for xb, yb in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
print("score", accuracy())
