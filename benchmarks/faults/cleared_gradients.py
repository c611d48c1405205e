"""Breast cancer, standardised."""

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
table = load_breast_cancer()
order = torch.randperm(len(table.target))
x = torch.tensor(StandardScaler().fit_transform(table.data), dtype=torch.float32)[order]
y = torch.tensor(table.target, dtype=torch.float32)[order]
loader = DataLoader(TensorDataset(x[:450], y[:450]), batch_size=25, shuffle=True)
net = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.AdamW(net.parameters(), lr=1e-3)
bce = nn.BCEWithLogitsLoss()
for epoch in range(15):
    for xb, yb in loader:
        out = net(xb).squeeze(1)
        loss = bce(out, yb)
        loss.backward()
        opt.zero_grad()
        opt.step()
with torch.no_grad():
    print("score", ((net(x[450:]).squeeze(1) > 0).float() == y[450:]).float().mean().item())
