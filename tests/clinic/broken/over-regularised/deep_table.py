"""A deep table model; a block is a linear layer, a ReLU and a dropout."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

KEEP = 0.1


class Block(nn.Module):
    def __init__(self, inner, outer):
        super().__init__()
        self.lin = nn.Linear(inner, outer)
        self.drop = nn.Dropout(1 - KEEP)

    def forward(self, x):
        return self.drop(self.lin(x).relu())


class Table(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.blocks = nn.Sequential(Block(features, 48), Block(48, 48), Block(48, 48))
        self.out = nn.Linear(48, 3)

    def forward(self, x):
        return self.out(self.blocks(x))


def run():
    torch.manual_seed(2)
    x = torch.randn(900, 12)
    y = torch.bucketize(x[:, 0] * x[:, 1] + x[:, 2], torch.tensor([-0.6, 0.6]))
    loader = DataLoader(TensorDataset(x, y), batch_size=30, shuffle=True)
    model = Table(12)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
    for epoch in range(12):
        model.train()
        for xb, yb in loader:
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


run()
