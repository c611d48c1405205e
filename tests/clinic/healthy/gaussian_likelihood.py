"""Trajectory forecasting with predicted uncertainty (Gaussian likelihood)."""

import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(26)


def throws(n):
    """Ball positions after the first six frames; cameras differ in noise, and the noise shows in the track."""
    v0 = torch.rand(n, 2) * torch.tensor([4.0, 6.0]) + torch.tensor([1.0, 2.0])
    t = torch.linspace(0, 1, 10)
    x = v0[:, :1] * t
    y = v0[:, 1:] * t - 4.9 * t**2
    track = torch.stack([x, y], -1)
    noise = 0.02 + 0.15 * torch.rand(n)[:, None, None]
    track = track + noise * torch.randn_like(track)
    track = (track - track.mean((0, 1))) / track.std((0, 1))
    return track[:, :6].flatten(1), track[:, 9]


class Forecaster(nn.Module):
    def __init__(self, n_in=12, width=64):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_in, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.mean, self.log_var = nn.Linear(width, 2), nn.Linear(width, 2)

    def forward(self, history):
        h = self.trunk(history)
        return self.mean(h), self.log_var(h)


def gaussian_nll(mean, log_var, target):
    return 0.5 * (log_var + (target - mean) ** 2 / log_var.exp() + math.log(2 * math.pi)).sum(-1).mean()


def run_epoch(model, loader, optimizer=None):
    model.train(optimizer is not None)
    total, norms = 0.0, []
    with torch.set_grad_enabled(optimizer is not None):
        for history, target in loader:
            loss = gaussian_nll(*model(history), target)
            if optimizer:
                optimizer.zero_grad()
                loss.backward()
                norms.append(nn.utils.clip_grad_norm_(model.parameters(), 10.0).item())
                optimizer.step()
            total += loss.item() * len(history)
    return total / len(loader.dataset), norms


history, target = throws(1600)
train_loader = DataLoader(TensorDataset(history[:1300], target[:1300]), batch_size=32, shuffle=True)
val_loader = DataLoader(TensorDataset(history[1300:], target[1300:]), batch_size=150)
model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    train_nll, norms = run_epoch(model, train_loader, optimizer)
    val_nll, _ = run_epoch(model, val_loader)
    print(f"epoch {epoch} train nll {train_nll:.3f} val nll {val_nll:.3f} gradient norm median {sorted(norms)[len(norms) // 2]:.3g} max {max(norms):.3g}")
