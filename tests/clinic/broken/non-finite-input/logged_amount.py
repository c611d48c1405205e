"""Churn from account data; the logarithm of an empty balance was never looked at."""
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(3)
torch.manual_seed(3)
n = 2400
df = pd.DataFrame({"months": rng.integers(1, 60, n), "calls": rng.poisson(3, n), "balance": rng.gamma(2, 400, n)})
df.loc[rng.random(n) < 0.04, "balance"] = 0.0
churn = (0.6 * df.calls - 0.05 * df.months + rng.normal(0, 1, n) > 0.4).astype(int)
with np.errstate(divide="ignore"):
    df["balance"] = np.log(df.balance)
df["months"] = (df.months - df.months.mean()) / df.months.std()
df["calls"] = (df.calls - df.calls.mean()) / df.calls.std()
df["balance"] = df.balance - 6
x, y = torch.tensor(df.to_numpy(), dtype=torch.float32), torch.tensor(churn.to_numpy())
train_loader = DataLoader(TensorDataset(x[:2000], y[:2000]), batch_size=64, shuffle=True)
valid_loader = DataLoader(TensorDataset(x[2000:], y[2000:]), batch_size=200)
model = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 2))
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
