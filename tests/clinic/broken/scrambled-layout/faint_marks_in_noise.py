"""Marks on noisy tissue slides, three stains; a residual network trained by a small class."""

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Slides(Dataset):
    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        grid = np.stack(np.mgrid[:24, :24], -1)
        self.kind = rng.integers(0, 3, count)
        self.slides = np.zeros((count, 24, 24, 3), np.float32)
        for i, kind in enumerate(self.kind):
            middle = rng.uniform(8, 16, 2)
            away = np.abs(grid - middle)
            shape = [away.sum(-1) < 6, away.max(-1) < 5, (away.min(-1) < 2) & (away.max(-1) < 8)][kind]
            self.slides[i] = shape[..., None] * rng.uniform(0.5, 1.0, 3) + rng.normal(0, 0.18, (24, 24, 3))

    def __len__(self):
        return len(self.kind)

    def __getitem__(self, index):
        slide = torch.from_numpy(self.slides[index]).view(3, 24, 24)
        return {"pixels": (slide - 0.2) / 0.35, "kind": int(self.kind[index])}


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x):
        return torch.relu(x + self.path(x))


class SlideReader:
    def __init__(self):
        self.net = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1), Residual(16), nn.MaxPool2d(2), Residual(16),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 3),
        )  # fmt: skip
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
        self.criterion = nn.CrossEntropyLoss()

    def learn(self, loader):
        self.net.train()
        for batch in loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.net(batch["pixels"]), batch["kind"])
            loss.backward()
            self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def score(self, loader):
        self.net.eval()
        return torch.cat([self.net(b["pixels"]).argmax(1) == b["kind"] for b in loader]).float().mean().item()


torch.manual_seed(5)
reader = SlideReader()
train = DataLoader(Slides(700, 0), batch_size=35, shuffle=True)
held_out = DataLoader(Slides(150, 1), batch_size=75)
for epoch in range(6):
    print(epoch, reader.learn(train), reader.score(held_out))
