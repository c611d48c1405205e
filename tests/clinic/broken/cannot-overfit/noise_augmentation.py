"""Keystroke dynamics: which of twelve typists wrote a line. Noise is added to each batch against overfitting."""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset


def keystrokes(n, rng, typists=12, keys=24):
    habit = rng.normal(0, 1.0, (typists, keys))
    who = rng.integers(0, typists, n)
    x = habit[who] + 0.8 * rng.normal(size=(n, keys))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(who)


class TypistNet(nn.Module):
    def __init__(self, keys, typists):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(keys, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, typists))

    def forward(self, x):
        return self.layers(x)


def jitter(batch, amount):
    return batch + amount * torch.randn_like(batch)


def train_epoch(net, loader, optimizer, criterion, amount):
    net.train()
    running = 0.0
    for x, who in loader:
        optimizer.zero_grad()
        loss = criterion(net(jitter(x, amount)), who)
        loss.backward()
        optimizer.step()
        running += loss.item() * len(x)
    return running / len(loader.dataset)


def accuracy(net, loader):
    net.eval()
    with torch.no_grad():
        return sum((net(x).argmax(1) == who).sum().item() for x, who in loader) / len(loader.dataset)


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--jitter", type=float, default=6.0)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--epochs", type=int, default=12)
    a = ap.parse_args()
    torch.manual_seed(63)
    x, who = keystrokes(1800, np.random.default_rng(63))
    mean, std = x[:1400].mean(0), x[:1400].std(0)
    x = (x - mean) / std
    train_loader = DataLoader(TensorDataset(x[:1400], who[:1400]), batch_size=35, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[1400:], who[1400:]), batch_size=200)
    net = TypistNet(24, 12)
    optimizer, criterion = optim.Adam(net.parameters(), lr=a.lr), nn.CrossEntropyLoss()
    for epoch in range(a.epochs):
        loss = train_epoch(net, train_loader, optimizer, criterion, a.jitter)
        print(f"epoch {epoch} loss {loss:.4f} test accuracy {accuracy(net, test_loader):.4f}")
