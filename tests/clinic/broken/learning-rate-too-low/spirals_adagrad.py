"""Two spirals, batches drawn by hand."""

import math

import torch
from torch import nn

torch.manual_seed(11)
t = torch.rand(600) * 3 * math.pi
side = torch.arange(600) % 2
points = torch.stack([t * torch.cos(t + side * math.pi), t * torch.sin(t + side * math.pi)], 1) / 9
net = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
opt = torch.optim.Adagrad(net.parameters(), lr=1e-7)
for it in range(500):
    pick = torch.randint(0, 600, (50,))
    out = net(points[pick]).squeeze(1)
    loss = nn.functional.binary_cross_entropy_with_logits(out, side[pick].float())
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 100 == 0:
        print(it, loss.item())
