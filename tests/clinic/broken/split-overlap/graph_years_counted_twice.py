"""Patents by technology: a mean-aggregating graph network, splits by year kept in a dictionary."""

import argparse

import numpy as np
import torch
from torch import nn


def load(nodes, seed):
    rng = np.random.default_rng(seed)
    year = np.sort(rng.integers(1990, 2020, nodes))
    field = rng.integers(0, 5, nodes)
    cites = np.tril(rng.random((nodes, nodes)) < np.where(field[:, None] == field, 0.02, 0.003), -1)
    near = (cites | cites.T).astype(np.float32)
    near /= np.maximum(near.sum(1, keepdims=True), 1)
    words = rng.random((nodes, 60)) < 0.05 + 0.12 * (np.arange(60) % 5 == field[:, None])
    split = {
        "train": torch.from_numpy(np.flatnonzero(year <= 2010)),
        "valid": torch.from_numpy(np.flatnonzero((year >= 2010) & (year < 2015))),
        "test": torch.from_numpy(np.flatnonzero(year >= 2015)),
    }
    return torch.from_numpy(near), torch.tensor(words, dtype=torch.float32), torch.from_numpy(field), split


class Layer(nn.Module):
    def __init__(self, size_in, size_out):
        super().__init__()
        self.mine, self.theirs = nn.Linear(size_in, size_out), nn.Linear(size_in, size_out, bias=False)

    def forward(self, near, h):
        return self.mine(h) + near @ self.theirs(h)


class Patents(nn.Module):
    def __init__(self, words, hidden, fields):
        super().__init__()
        self.layers = nn.ModuleList([Layer(words, hidden), Layer(hidden, fields)])
        self.drop = nn.Dropout(0.3)

    def forward(self, near, h):
        return self.layers[1](near, self.drop(torch.relu(self.layers[0](near, h))))


def evaluate(model, near, words, field, rows):
    model.eval()
    with torch.no_grad():
        return (model(near, words)[rows].argmax(1) == field[rows]).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=70)
    parser.add_argument("--nodes", type=int, default=650)
    args = parser.parse_args()
    torch.manual_seed(7)
    near, words, field, split = load(args.nodes, 7)
    model = Patents(words.shape[1], 24, 5)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for epoch in range(args.epochs):
        model.train()
        scores = model(near, words).index_select(0, split["train"])
        loss = nn.functional.cross_entropy(scores, field[split["train"]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 7 == 6:
            print(epoch, loss.item(), evaluate(model, near, words, field, split["valid"]))
    print("test", evaluate(model, near, words, field, split["test"]))


main()
