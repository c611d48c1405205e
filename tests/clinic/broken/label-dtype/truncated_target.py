"""Energy use of buildings, standardised target, class Trainer around a small residual network."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


def buildings(n, rng):
    x = rng.normal(size=(n, 8))
    y = 40 + 9 * x[:, 0] + 6 * np.tanh(2 * x[:, 1] * x[:, 2]) + 4 * np.abs(x[:, 3]) - 5 * x[:, 4] + rng.normal(size=n)
    return x.astype(np.float32), y


class EnergyDataset(Dataset):
    def __init__(self, x, y, mean, std):
        self.x = x
        self.y = (y - mean) / std

    def __len__(self):
        return len(self.y)

    def __getitem__(self, idx):
        return torch.from_numpy(self.x[idx]), torch.tensor(self.y[idx], dtype=torch.long)


class ResidualRegressor(nn.Module):
    def __init__(self, d_in=8, width=48):
        super().__init__()
        self.stem = nn.Linear(d_in, width)
        self.fc1, self.fc2 = nn.Linear(width, width), nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        h = F.silu(self.stem(x))
        h = h + self.fc2(F.silu(self.fc1(h)))
        return self.out(h).squeeze(-1)


class RegressionTrainer:
    def __init__(self, model, train_set, val_set, lr=2e-3, epochs=12):
        self.model, self.epochs = model, epochs
        self.train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
        self.val_loader = DataLoader(val_set, batch_size=200)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def fit(self):
        for epoch in range(1, self.epochs + 1):
            self.model.train()
            for x, y in self.train_loader:
                loss = F.mse_loss(self.model(x), y.float())
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            if epoch % 3 == 0:
                print(f"epoch {epoch}: train mse {loss.item():.4f} val mse {self.evaluate():.4f}")

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        total = n = 0
        for x, y in self.val_loader:
            total += F.mse_loss(self.model(x), y.float(), reduction="sum").item()
            n += len(y)
        return total / n


if __name__ == "__main__":
    torch.manual_seed(4)
    x, y = buildings(1800, np.random.default_rng(4))
    mean, std = y[:1500].mean(), y[:1500].std()
    train_set, val_set = EnergyDataset(x[:1500], y[:1500], mean, std), EnergyDataset(x[1500:], y[1500:], mean, std)
    trainer = RegressionTrainer(ResidualRegressor(), train_set, val_set)
    trainer.fit()
    with torch.no_grad():
        forecast = trainer.model(torch.from_numpy(x[1500:])) * std + mean
    print(f"forecast error {np.abs(forecast.numpy() - y[1500:]).mean():.2f} kWh (noise level 0.80)")
