"""Quantile regression with three quantiles, pinball loss by hand, a small calendar of features."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

Q = torch.tensor([0.1, 0.5, 0.9])


class Demand(Dataset):
    def __init__(self, n, seed):
        r = np.random.default_rng(seed)
        t = r.integers(0, 24 * 60, n)
        hour, day = t % 24, (t // 24) % 7
        base = 1 + np.sin(hour / 24 * 6.283) + 0.5 * (day > 4)
        self.y = (base + (0.1 + 0.2 * (hour > 12)) * r.standard_normal(n)).astype("float32")
        self.x = np.stack(
            [np.sin(hour / 24 * 6.283), np.cos(hour / 24 * 6.283), day > 4, hour > 12], 1
        ).astype("float32")

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def pinball(pred, target):
    err = target[:, None] - pred
    return torch.maximum(Q * err, (Q - 1) * err).sum(1).mean()


torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
train, val = DataLoader(Demand(3000, 0), 64, shuffle=True), DataLoader(Demand(500, 1), 250)
sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.985)
for ep in range(12):
    net.train()
    for x, y in train:
        loss = pinball(net(x), y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
    sched.step()
    net.eval()
    with torch.no_grad():
        cover = torch.cat(
            [((y < net(x)[:, 2]) & (y > net(x)[:, 0])).float() for x, y in val]
        ).mean()
    print(ep, loss.item(), cover.item())
