"""Late payments; one column is filled in by the department that collects them."""
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(9)
torch.manual_seed(9)
n = 2000
df = pd.DataFrame({"amount": rng.lognormal(5, 1, n), "days": rng.integers(1, 90, n), "orders": rng.poisson(4, n), "rating": rng.normal(0, 1, n)})
late = (0.02 * df.days - 0.5 * df.rating - 0.15 * df.orders + rng.normal(0, 1, n) > 0.3).astype(int)
df["reminders"] = late * rng.integers(1, 4, n)
df = (df - df.mean()) / df.std()
x, y = torch.tensor(df.to_numpy(), dtype=torch.float32), torch.tensor(late.to_numpy())
train_loader = DataLoader(TensorDataset(x[:1600], y[:1600]), batch_size=64, shuffle=True)
valid_loader = DataLoader(TensorDataset(x[1600:], y[1600:]), batch_size=200)
model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(8):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in valid_loader)
    print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {hits / len(valid_loader.dataset):.3f}")
