"""Two keywords in noise, told apart by a small 1-D CNN; the best state is written to a file."""

from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def recordings(count, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 2, (count,), generator=g)
    t = torch.linspace(0, 1, 80)
    tone = torch.sin(2 * torch.pi * (5 + 4 * y[:, None]) * t + torch.rand(count, 1, generator=g) * 6)
    return TensorDataset((tone + 0.9 * torch.randn(count, 80, generator=g))[:, None], y)


class Runner:
    def __init__(self, folder):
        torch.manual_seed(0)
        self.net = nn.Sequential(
            nn.Conv1d(1, 16, 9, stride=2), nn.ReLU(), nn.Conv1d(16, 16, 5), nn.ReLU(),
            nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(64, 2),
        )  # fmt: skip
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=2e-3)
        self.file = Path(folder) / "best.pt"
        self.file.parent.mkdir(exist_ok=True)

    def loss_on(self, batch):
        x, y = batch
        return nn.functional.cross_entropy(self.net(x), y)

    def fit(self, train, valid, epochs):
        for epoch in range(epochs):
            self.best_loss = float("inf")
            self.net.train()
            for batch in train:
                self.optimizer.zero_grad()
                loss = self.loss_on(batch)
                loss.backward()
                self.optimizer.step()
            self.net.eval()
            with torch.no_grad():
                val = sum(self.loss_on(b).item() for b in valid) / len(valid)
            if val < self.best_loss:
                self.best_loss = val
                torch.save(self.net.state_dict(), self.file)
            print(f"epoch {epoch}: {loss.item():.4f} / {val:.4f}, best {self.best_loss:.4f}")
        self.net.load_state_dict(torch.load(self.file))


if __name__ == "__main__":
    runner = Runner("keywords")
    runner.fit(
        DataLoader(recordings(800, 0), batch_size=40, shuffle=True),
        DataLoader(recordings(160, 1), batch_size=80),
        epochs=8,
    )
