"""Two stages in one file: a denoising network for sensor rows, then a grader on its encoder."""

import os
import tempfile

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Encoder(nn.Module):
    def __init__(self, sensors, width):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(sensors, width, 5, padding=2), nn.ReLU(), nn.Conv1d(width, width, 5, padding=2))
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Encoder(4, 24)
        self.out = nn.Conv1d(24, 4, 5, padding=2)

    def forward(self, x):
        return self.out(self.backbone(x))


class Grader(nn.Module):
    def __init__(self, grades):
        super().__init__()
        self.encoder = Encoder(4, 24)
        self.pool = nn.AdaptiveMaxPool1d(1)
        self.grade = nn.Linear(24, grades)

    def forward(self, x):
        return self.grade(self.pool(self.encoder(x)).flatten(1))


def runs(n, seed):
    rng = np.random.default_rng(seed)
    grade = rng.integers(0, 4, n)
    t = np.arange(48)
    clean = np.sin(t[None, None] * (0.15 + 0.12 * grade[:, None, None]) + rng.uniform(0, 6, (n, 4, 1)))
    noisy = clean + rng.normal(0, 0.4, clean.shape)
    return [torch.tensor(v, dtype=torch.float32) for v in (noisy, clean)], torch.from_numpy(grade)


def pretrain(path, epochs=2):
    (noisy, clean), _ = runs(800, 0)
    net = Denoiser()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(epochs):
        for x, y in DataLoader(TensorDataset(noisy, clean), batch_size=40, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(x), y)
            loss.backward()
            optimizer.step()
        print("denoise", epoch, loss.item())
    torch.save(net.state_dict(), path)


def finetune(path, epochs=8):
    (noisy, _), grade = runs(500, 1)
    (held, _), held_grade = runs(150, 2)
    net = Grader(4)
    net.load_state_dict(torch.load(path), strict=False)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for epoch in range(epochs):
        net.train()
        for x, y in DataLoader(TensorDataset(noisy, grade), batch_size=25, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            print("grade", epoch, loss.item(), (net(held).argmax(1) == held_grade).float().mean().item())


if __name__ == "__main__":
    torch.manual_seed(2)
    with tempfile.TemporaryDirectory() as folder:
        weights = os.path.join(folder, "denoiser.pt")
        pretrain(weights)
        finetune(weights)
