"""Transformer forecast of a household's load profile for the next day."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(24)
torch.manual_seed(24)


def households(n):
    """48 half-hours of today -> 48 of tomorrow: a common daily shape, a personal level and a personal habit."""
    t = np.arange(48) / 2
    shape = 0.9 * np.exp(-((t - 7.5) ** 2) / 3) + 1.4 * np.exp(-((t - 19) ** 2) / 5)
    level = rng.uniform(0.6, 1.6, (n, 1))
    habit = np.exp(-((t - rng.uniform(9, 17, (n, 1))) ** 2) / 2) * rng.uniform(0.5, 1.5, (n, 1))
    days = [level * shape + habit + 0.15 * rng.normal(size=(n, 48)) for _ in range(2)]
    return (torch.tensor(d, dtype=torch.float32) for d in days)


class LoadTransformer(nn.Module):
    def __init__(self, dim=48, heads=4, layers=2, steps=48):
        super().__init__()
        self.value = nn.Linear(1, dim)
        self.position = nn.Embedding(steps, dim)
        block = nn.TransformerEncoderLayer(dim, heads, 96, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
        self.head = nn.Linear(dim, 1)

    def forward(self, load):
        x = self.value(load.unsqueeze(-1))
        x = self.position(torch.arange(load.size(1))).expand_as(x)
        return self.head(self.encoder(x)).squeeze(-1)


today, tomorrow = households(1500)
mean, std = today[:1200].mean(), today[:1200].std()
today, tomorrow = (today - mean) / std, (tomorrow - mean) / std
train_dl = DataLoader(TensorDataset(today[:1200], tomorrow[:1200]), batch_size=50, shuffle=True)
val_dl = DataLoader(TensorDataset(today[1200:], tomorrow[1200:]), batch_size=150)
model = LoadTransformer()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
mse = nn.MSELoss()
for epoch in range(6):
    model.train()
    for xb, yb in train_dl:
        opt.zero_grad()
        loss = mse(model(xb), yb)
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        val = sum(mse(model(xb), yb).item() * len(xb) for xb, yb in val_dl) / 300
    print(f"epoch {epoch} train {loss.item():.4f} val {val:.4f} (yesterday's curve: {mse(today[1200:], tomorrow[1200:]):.4f})")
