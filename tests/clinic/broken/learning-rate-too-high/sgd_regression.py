"""Concrete strength from its mix, minibatches drawn with NumPy."""

import argparse

import numpy as np
import torch
from torch import nn


def load(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 9))
    y = 1.2 * x[:, 0] - x[:, 1] + 0.7 * x[:, 2] * x[:, 3] + np.sin(2 * x[:, 4]) + 0.5 * np.abs(x[:, 5]) + 0.3 * rng.normal(size=n)
    y = (y - y[:1200].mean()) / y[:1200].std()
    x, y = x.astype(np.float32), y.astype(np.float32)[:, None]
    return (x[:1200], y[:1200]), (x[1200:], y[1200:])


class Regressor(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.seq = nn.Sequential(nn.Linear(9, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, x):
        return self.seq(x)


def main(opt):
    torch.manual_seed(opt.seed)
    np.random.seed(opt.seed)
    (x, y), (xv, yv) = load()
    model = Regressor(opt.hidden)
    optimizer = torch.optim.SGD(model.parameters(), lr=opt.lr, momentum=0.9)
    loss_fn = nn.MSELoss()
    for step in range(opt.steps):
        pick = np.random.choice(len(x), opt.batch, replace=False)
        model.train()
        pred = model(torch.from_numpy(x[pick]))
        loss = loss_fn(pred, torch.from_numpy(y[pick]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            model.eval()
            with torch.no_grad():
                val = loss_fn(model(torch.from_numpy(xv)), torch.from_numpy(yv))
            print(f"step {step} train {loss.item():.4f} val {val.item():.4f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--lr", type=float, default=1.0)
    p.add_argument("--hidden", type=int, default=64)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--steps", type=int, default=400)
    p.add_argument("--seed", type=int, default=0)
    main(p.parse_args())
