"""Wine by a negative log-likelihood."""

import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
wine = load_wine()
order = torch.randperm(178)
x = torch.tensor(StandardScaler().fit_transform(wine.data), dtype=torch.float32)[order]
y = torch.tensor(wine.target)[order]
train = DataLoader(TensorDataset(x[:130], y[:130]), batch_size=26, shuffle=True)
model = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 3))
criterion = nn.NLLLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for epoch in range(40):
    for xb, yb in train:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
with torch.no_grad():
    print("score", (model(x[130:]).argmax(1) == y[130:]).float().mean().item())
