"""Water levels of the next hour, from the last day; the settings come from one dictionary."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SETTINGS = {"epochs": 5, "batch": 40, "learning_rate": 4e-3, "width": 24}


@dataclass
class Settings:
    epochs: int = 1
    batch: int = 16
    lr: float = 1e-6
    width: int = 8

    @classmethod
    def read(cls, given):
        known = {name: value for name, value in given.items() if name in cls.__annotations__}
        return cls(**known)


class Tides(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.past = nn.LSTM(1, width, batch_first=True)
        self.level = nn.Linear(width, 1)

    def forward(self, hours):
        states, _ = self.past(hours)
        return self.level(states[:, -1])


def windows(hours=1600, day=24):
    time = torch.arange(hours, dtype=torch.float32)
    level = torch.sin(time * 0.506) + 0.5 * torch.sin(time * 0.262 + 1) + 0.05 * torch.randn(hours)
    rows = level.unfold(0, day + 1, 1)
    return rows[:, :day, None], rows[:, day:]


def main():
    torch.manual_seed(7)
    settings = Settings.read(SETTINGS)
    x, y = windows()
    train, held_out = TensorDataset(x[:1200], y[:1200]), (x[1224:], y[1224:])
    model = Tides(settings.width)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.lr)
    for epoch in range(settings.epochs):
        model.train()
        for hours, level in DataLoader(train, settings.batch, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(hours), level)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            error = nn.functional.l1_loss(model(held_out[0]), held_out[1]).item()
        print(f"epoch {epoch}: loss {loss.item():.4f}, mean error {error:.3f} m")


if __name__ == "__main__":
    main()
