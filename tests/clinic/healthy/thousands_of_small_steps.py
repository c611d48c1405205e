"""A curve through measured points by plain gradient descent: small steps, and very many of them."""

import torch
from torch import nn

torch.manual_seed(3)
ROUNDS = 20_000
voltage = torch.linspace(-1, 1, 80).unsqueeze(1)
current = 0.8 * voltage + 0.5 * voltage**3 + 0.02 * torch.randn_like(voltage)
curve = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 1))
optimizer = torch.optim.SGD(curve.parameters(), lr=2e-4)
for done in range(ROUNDS):
    order = torch.randperm(len(voltage))[:20]
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(curve(voltage[order]), current[order])
    loss.backward()
    optimizer.step()
    if done % 2000 == 0:
        print(f"{done:6d} {loss.item():.4f}")
print(f"in the end {nn.functional.mse_loss(curve(voltage), current).item():.4f}")
