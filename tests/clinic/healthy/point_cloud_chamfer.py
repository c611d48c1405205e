"""Point clouds through an autoencoder; every point is compared with every other (chamfer distance)."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
shape = torch.rand(400, 1) + 0.5
angle = torch.rand(400, 24) * 6.28
clouds = torch.stack([shape * angle.cos(), shape * angle.sin()], -1)
class AE(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 16))
        self.d = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 48))
    def forward(self, x):
        return self.d(self.e(x).amax(1)).view(-1, 24, 2)
m = AE(); o = torch.optim.Adam(m.parameters(), lr=1e-3)
for ep in range(10):
    for (x,) in DataLoader(TensorDataset(clouds), 20, shuffle=True):
        p = m(x)
        d = (p.unsqueeze(2) - x.unsqueeze(1)).pow(2).sum(-1)
        loss = d.min(1).values.mean() + d.min(2).values.mean()
        o.zero_grad(); loss.backward(); o.step()
