"""Add up the marked values of a sequence with a recurrent cell written from scratch."""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class SkipRNNCell(nn.Module):
    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.i2h = nn.Linear(n_in, n_hidden)
        self.h2h = nn.Linear(n_hidden, n_hidden)

    def forward(self, x, h):
        return h + F.relu(self.i2h(x) + self.h2h(h))


class SkipRNN(nn.Module):
    def __init__(self, n_in=2, n_hidden=64):
        super().__init__()
        self.cell = SkipRNNCell(n_in, n_hidden)
        self.readout = nn.Linear(n_hidden, 1)
        self.n_hidden = n_hidden

    def forward(self, seq):
        h = seq.new_zeros(len(seq), self.n_hidden)
        for x in seq.unbind(1):
            h = self.cell(x, h)
        return self.readout(h).squeeze(-1)


def adding_problem(n, length):
    values = torch.rand(n, length) - 0.5
    marks = (torch.rand(n, length) < 0.4).float()
    return torch.stack([values, marks], -1), (values * marks).sum(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--length", type=int, default=30)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=6)
    args = parser.parse_args()
    torch.manual_seed(97)
    x, y = adding_problem(1200, args.length)
    train_loader = DataLoader(TensorDataset(x[:1000], y[:1000]), batch_size=25, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[1000:], y[1000:]), batch_size=200)
    model = SkipRNN(2, args.hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for seq, target in train_loader:
            optimizer.zero_grad()
            loss = F.mse_loss(model(seq), target)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(seq)
        model.eval()
        with torch.no_grad():
            test = sum(F.mse_loss(model(s), t).item() * len(s) for s, t in test_loader) / 200
        print(f"epoch {epoch}: train mse {total / 1000:.4g} test mse {test:.4g} (predicting the mean: {y.var():.2f})")


if __name__ == "__main__":
    main()
