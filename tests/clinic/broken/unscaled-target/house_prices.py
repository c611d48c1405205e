"""Prices in euros straight into the loss."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(6)
torch.manual_seed(6)
area, rooms, age = rng.gamma(9, 12, 1600), rng.integers(1, 7, 1600), rng.uniform(0, 90, 1600)
price = 3200 * area + 15000 * rooms - 700 * age + rng.normal(0, 15000, 1600)
table = np.stack([area, rooms, age], 1)
x = torch.tensor((table - table.mean(0)) / table.std(0), dtype=torch.float32)
y = torch.tensor(price, dtype=torch.float32)[:, None]
train_loader = DataLoader(TensorDataset(x[:1300], y[:1300]), batch_size=64, shuffle=True)
valid_loader = DataLoader(TensorDataset(x[1300:], y[1300:]), batch_size=100)
model = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.MSELoss()

for epoch in range(8):
    for xb, yb in train_loader:
        loss = criterion(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = sum(criterion(model(xb), yb).item() * len(xb) for xb, yb in valid_loader) / len(valid_loader.dataset)
    print(f"epoch {epoch}: loss {loss.item():.4f} validation {error:.4f}")
