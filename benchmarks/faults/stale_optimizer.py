"""Digits; the head is exchanged for one of the right width."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.head = nn.Linear(32, classes)

    def forward(self, x):
        return self.head(self.body(x))


torch.manual_seed(10)
digits = load_digits()
order = torch.randperm(1797)
x = torch.tensor(digits.data / 16, dtype=torch.float32)[order]
y = torch.tensor(digits.target)[order]
train = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=35, shuffle=True)
net = Net(1000)
for parameter in net.body.parameters():
    parameter.requires_grad = False
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
net.head = nn.Linear(32, 10)
for epoch in range(8):
    for xb, yb in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(xb), yb)
        loss.backward()
        optimizer.step()
with torch.no_grad():
    print("score", (net(x[1400:]).argmax(1) == y[1400:]).float().mean().item())
