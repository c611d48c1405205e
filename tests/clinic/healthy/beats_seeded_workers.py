"""1-D CNN on heartbeats with jitter from the workers' NumPy state."""
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def seed_worker(worker_id):
    seed = torch.initial_seed() % 2**32
    np.random.seed(seed)
    random.seed(seed)


class Beats(Dataset):
    def __init__(self, n, train, seed):
        rng = np.random.default_rng(seed)
        self.y = rng.integers(0, 2, n)
        t = np.linspace(-1, 1, 80)
        width = np.where(self.y == 1, 0.12, 0.2)[:, None] * rng.uniform(0.8, 1.25, (n, 1))
        self.x = np.exp(-((t / width) ** 2)) - 0.3 * np.exp(-(((t - 0.4) / 0.15) ** 2))
        self.train = train

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = self.x[i]
        if self.train:
            x = np.roll(x, np.random.randint(-8, 9)) * np.random.uniform(0.8, 1.2)
            x = x + np.random.normal(0, 0.08, x.shape)
        return torch.tensor(x, dtype=torch.float32)[None], torch.tensor(self.y[i])


class BeatNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv1d(1, 16, 7, padding=3), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2),
                                      nn.Conv1d(16, 32, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten())
        self.head = nn.Linear(128, 2)

    def forward(self, x):
        return self.head(self.features(x))


class Trainer:
    def __init__(self, net, train, val):
        self.net, self.train_loader, self.val_loader = net, train, val
        self.opt = torch.optim.Adam(net.parameters(), lr=2e-3)

    def run(self, epochs):
        for e in range(epochs):
            self.net.train()
            for x, y in self.train_loader:
                self.opt.zero_grad()
                loss = nn.functional.cross_entropy(self.net(x), y)
                loss.backward()
                self.opt.step()
            self.net.eval()
            with torch.no_grad():
                ok = sum((self.net(x).argmax(1) == y).sum().item() for x, y in self.val_loader)
            print(e, loss.item(), ok / len(self.val_loader.dataset))


if __name__ == "__main__":
    g = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    train = DataLoader(Beats(640, True, 0), 32, shuffle=True, num_workers=2, worker_init_fn=seed_worker, generator=g)
    Trainer(BeatNet(), train, DataLoader(Beats(160, False, 1), 80)).run(5)
