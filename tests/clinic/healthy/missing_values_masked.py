"""Several targets of which some are missing: NaN marks them, the loss leaves them out."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(22)
torch.manual_seed(22)
x = rng.normal(size=(1500, 10))
y = x[:, :4] * np.array([1, -0.5, 0.8, 0.3]) + 0.2 * rng.normal(size=(1500, 4))
y[rng.random(y.shape) < 0.3] = np.nan
x[rng.random(x.shape) < 0.02] = np.nan
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
train_loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=50, shuffle=True)
valid_loader = DataLoader(TensorDataset(x[1200:], y[1200:]), batch_size=100)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)


def masked_loss(xb, yb):
    inputs = torch.cat([torch.nan_to_num(xb), xb.isnan().float()], 1)
    known = ~yb.isnan()
    return ((model(inputs) - torch.nan_to_num(yb)) ** 2)[known].mean()


for epoch in range(6):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = masked_loss(xb, yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        error = np.mean([masked_loss(xb, yb).item() for xb, yb in valid_loader])
    print(f"epoch {epoch}: loss {loss.item():.4f} validation {error:.4f}")
