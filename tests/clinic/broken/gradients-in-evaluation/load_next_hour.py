import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def windows(series, width):
    x = np.lib.stride_tricks.sliding_window_view(series[:-1], width)
    return torch.tensor(x.copy()).unsqueeze(-1), torch.tensor(series[width:])


class NextHour(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(self.gru(x)[0][:, -1]).squeeze(-1)


def evaluate(model, loader):
    model.eval()
    losses = [F.mse_loss(model(x), y, reduction="sum") for x, y in loader]
    return (sum(losses) / len(loader.dataset)).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--hidden", type=int, default=24)
    parser.add_argument("--lr", type=float, default=5e-3)
    args = parser.parse_args()

    torch.manual_seed(4)
    rng = np.random.default_rng(4)
    hours = np.arange(1500)
    load = np.sin(hours * 2 * np.pi / 24) + 0.4 * np.sin(hours * 2 * np.pi / 168)
    load = (load + rng.normal(0, 0.1, len(hours))).astype(np.float32)
    past, recent = load[:1200], load[1200:]
    train = DataLoader(TensorDataset(*windows(past, 24)), batch_size=64, shuffle=True)
    held_out = DataLoader(TensorDataset(*windows(recent, 24)), batch_size=64)

    model = NextHour(args.hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: held-out squared error {evaluate(model, held_out):.4f}")


if __name__ == "__main__":
    main()
