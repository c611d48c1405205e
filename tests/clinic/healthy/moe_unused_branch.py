"""Sparse mixture of experts; one more expert is registered for a later stage and stays idle for now."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(44)


def piecewise(n):
    x = torch.rand(n, 4) * 4 - 2
    region = (x[:, 0] > 0).long() + 2 * (x[:, 1] > 0).long()
    y = torch.stack([torch.sin(2 * x[:, 2]), x[:, 2] * x[:, 3], -x[:, 3], x[:, 2] ** 2 - 1], 1).gather(1, region[:, None])
    return x, y + 0.1 * torch.randn(n, 1)


class Expert(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.up, self.down = nn.Linear(d, h), nn.Linear(h, 1)

    def forward(self, x):
        return self.down(F.gelu(self.up(x)))


class SparseMoE(nn.Module):
    def __init__(self, d=4, hidden=48, active=4, spare=1, top_k=2):
        super().__init__()
        self.top_k, self.active = top_k, active
        self.router = nn.Sequential(nn.Linear(d, 32), nn.GELU(), nn.Linear(32, active))
        self.experts = nn.ModuleList(Expert(d, hidden) for _ in range(active + spare))

    def forward(self, x):
        gate = self.router(x).softmax(-1)
        weight, chosen = gate.topk(self.top_k, dim=-1)
        weight = weight / weight.sum(-1, keepdim=True)
        out = x.new_zeros(len(x), 1)
        for e in range(self.active):
            rows, slot = (chosen == e).nonzero(as_tuple=True)
            if len(rows):
                out = out.index_add(0, rows, weight[rows, slot, None] * self.experts[e](x[rows]))
        load = F.one_hot(chosen, self.active).float().sum(1).mean(0) / self.top_k
        balance = self.active * (load * gate.mean(0)).sum()
        return out, balance


x, y = piecewise(3000)
train_loader = DataLoader(TensorDataset(x[:2400], y[:2400]), batch_size=64, shuffle=True)
x_val, y_val = x[2400:], y[2400:]
model = SparseMoE()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(15):
    model.train()
    for xb, yb in train_loader:
        pred, balance = model(xb)
        mse = F.mse_loss(pred, yb)
        loss = mse + 0.01 * balance
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = F.mse_loss(model(x_val)[0], y_val).item()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} mse {mse.item():.4f} balance {balance.item():.3f} val mse {val:.4f} of variance {y_val.var().item():.3f}")
