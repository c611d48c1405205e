"""Disease progression by mean squared error."""

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(9)
table = load_diabetes()
order = torch.randperm(442)
x = torch.tensor(table.data / table.data.std(0), dtype=torch.float32)[order]
y = torch.tensor((table.target - 152) / 77, dtype=torch.float32)[order]
train = DataLoader(TensorDataset(x[:350], y[:350]), batch_size=25, shuffle=True)
model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
mse = nn.MSELoss()
for epoch in range(40):
    for xb, yb in train:
        optimizer.zero_grad()
        pred = model(xb)
        loss = mse(pred, yb)
        loss.backward()
        optimizer.step()
with torch.no_grad():
    rest = y[350:] - model(x[350:]).squeeze(1)
    print("score", 1 - (rest.var() / y[350:].var()).item())
