"""Patch-level image regression with a hand-made engine class."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class Engine:
    def __init__(self, model, optimizer, loss_fn):
        self.model, self.optimizer, self.loss_fn = model, optimizer, loss_fn

    def train(self, data_loader):
        self.model.train()
        self.optimizer.zero_grad()
        final_loss = 0.0
        for inputs, targets in data_loader:
            loss = self.loss_fn(self.model(inputs), targets)
            loss.backward()
            self.optimizer.step()
            final_loss += loss.item() * len(inputs)
        return final_loss / len(data_loader.dataset)

    def evaluate(self, data_loader):
        self.model.eval()
        final_loss = 0.0
        with torch.no_grad():
            for inputs, targets in data_loader:
                final_loss += self.loss_fn(self.model(inputs), targets).item() * len(inputs)
        return final_loss / len(data_loader.dataset)


def rotated_bars(n, size=12):
    """Estimate the direction (as cosine and sine of twice the angle) of a blurred bar."""
    yy, xx = torch.meshgrid(torch.arange(size) - 5.5, torch.arange(size) - 5.5, indexing="ij")
    angle = torch.rand(n) * torch.pi
    offset = torch.randn(n, 1, 1)
    across = xx * angle.sin()[:, None, None] - yy * angle.cos()[:, None, None] + offset
    img = torch.exp(-(across**2) / 2) + 0.3 * torch.randn(n, size, size)
    return (img - 0.33).unsqueeze(1) / 0.45, torch.stack([(2 * angle).cos(), (2 * angle).sin()], 1)


def run_training(epochs=10):
    torch.manual_seed(83)
    x, y = rotated_bars(1500)
    train_loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=40, shuffle=True)
    valid_loader = DataLoader(TensorDataset(x[1200:], y[1200:]), batch_size=100)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 24, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 32), nn.ReLU(),
        nn.Linear(32, 2),
    )  # fmt: skip
    eng = Engine(model, torch.optim.Adam(model.parameters(), lr=2e-3), nn.MSELoss())
    for epoch in range(epochs):
        train_loss = eng.train(train_loader)
        valid_loss = eng.evaluate(valid_loader)
        print(f"epoch={epoch}, train_loss={train_loss:.4f}, valid_loss={valid_loss:.4f} (variance {y.var(0).mean():.3f})")


if __name__ == "__main__":
    run_training()
