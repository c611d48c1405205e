"""A price model; the collate function of an earlier version has left its traces in the loop."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(12)
rooms = torch.randn(700, 5)
price = rooms @ torch.tensor([1.0, -0.6, 0.4, 0.0, 0.2]) + 0.05 * torch.randn(700)
train = DataLoader(TensorDataset(rooms[:600], price[:600]), batch_size=24, shuffle=True)
test = DataLoader(TensorDataset(rooms[600:], price[600:]), batch_size=50)
net = nn.Sequential(nn.Linear(5, 48), nn.ReLU(), nn.Linear(48, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
criterion = nn.MSELoss()
for epoch in range(15):
    net.train()
    for x, y in train:
        y = y[torch.randperm(y.size(0))]
        optimizer.zero_grad()
        loss = criterion(net(x).squeeze(1), y)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        error = sum(criterion(net(x).squeeze(1), y).item() for x, y in test) / len(test)
    print(f"{epoch}: test error {error:.3f}")
