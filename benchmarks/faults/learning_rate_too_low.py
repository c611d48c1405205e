"""Diabetes progression above the median, a table model with arguments."""

import argparse

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-7)
parser.add_argument("--epochs", type=int, default=15)
args = parser.parse_args()
torch.manual_seed(5)
table = load_breast_cancer()
order = torch.randperm(len(table.target))
x = torch.tensor(StandardScaler().fit_transform(table.data), dtype=torch.float32)[order]
y = torch.tensor(table.target)[order]
train = DataLoader(TensorDataset(x[:450], y[:450]), batch_size=30, shuffle=True)
model = nn.Sequential(nn.Linear(30, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
for epoch in range(args.epochs):
    for xb, yb in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
with torch.no_grad():
    print("score", (model(x[450:]).argmax(1) == y[450:]).float().mean().item())
