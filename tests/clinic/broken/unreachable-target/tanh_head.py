"""Wind power in units of ten megawatts from a network that ends in a tanh."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(2)
torch.manual_seed(2)
x = rng.normal(size=(1500, 6))
power = 3 + 1.5 * x[:, 0] + x[:, 1] * x[:, 2] + 0.3 * rng.normal(size=1500)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(power, dtype=torch.float32)
train_loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=50, shuffle=True)
valid_loader = DataLoader(TensorDataset(x[1200:], y[1200:]), batch_size=100)
model = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 1), nn.Tanh(), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
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
