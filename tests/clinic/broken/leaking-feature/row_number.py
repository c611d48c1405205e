"""Loans that fail, from a table with a column that was filled in afterwards."""

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def loans(count, seed):
    made = np.random.default_rng(seed)
    table = pd.DataFrame({
        "amount": made.normal(12, 4, count),
        "years": made.integers(1, 11, count).astype(float),
        "income": made.normal(40, 12, count),
        "age": made.normal(45, 11, count),
    })
    fails = (made.random(count) < 0.35).astype(int)
    table["days_in_collection"] = np.where(fails == 1, made.integers(10, 200, count), 0).astype(float)
    return table, fails


torch.manual_seed(0)
table, fails = loans(900, 4)
x = torch.tensor(((table - table.mean()) / table.std()).values, dtype=torch.float32)
y = torch.tensor(fails, dtype=torch.float32)
train = DataLoader(TensorDataset(x[:700], y[:700]), batch_size=35, shuffle=True)
held = DataLoader(TensorDataset(x[700:], y[700:]), batch_size=50)
model = nn.Sequential(nn.Linear(5, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(10):
    model.train()
    for row, target in train:
        optimizer.zero_grad()
        loss = criterion(model(row).squeeze(1), target)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum(((model(r).squeeze(1) > 0) == t.bool()).sum().item() for r, t in held)
    print(epoch, right / 200)
