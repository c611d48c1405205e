"""Heart beats with noise added for robustness."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Beats(Dataset):
    def __init__(self, count):
        time = np.linspace(0, 1, 60)
        self.kind = np.arange(count) % 3
        self.wave = np.sin(2 * np.pi * (self.kind[:, None] + 1) * time)

    def __len__(self):
        return len(self.kind)

    def __getitem__(self, i):
        np.random.seed(i)
        noise = np.random.randn(60) * 0.4
        return torch.tensor(self.wave[i] + noise, dtype=torch.float32), int(self.kind[i])


def train():
    torch.manual_seed(1)
    loader = DataLoader(Beats(600), batch_size=30, shuffle=True)
    model = nn.Sequential(nn.Linear(60, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(8):
        for wave, kind in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(wave), kind)
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


train()
