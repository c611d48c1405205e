"""Fuel use from engine figures; the squared error stands in the loop."""

import torch

torch.manual_seed(0)
engine = torch.randn(480, 4)
use = 8 + engine @ torch.tensor([1.5, 0.8, -0.6, 0.2]) + 0.2 * torch.randn(480)
mean, spread = use.mean(), use.std()
use = (use - mean) / spread
weights = torch.nn.Sequential(torch.nn.Linear(4, 24), torch.nn.Tanh(), torch.nn.Linear(24, 1))
optimizer = torch.optim.Adam(weights.parameters(), lr=5e-3)
for epoch in range(30):
    order = torch.randperm(480)
    for start in range(0, 480, 40):
        rows = order[start : start + 40]
        guess = weights(engine[rows])
        loss = ((guess - use[rows]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
