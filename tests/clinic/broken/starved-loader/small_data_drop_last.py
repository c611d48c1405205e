"""Cell states from 50 labelled wells; the batch size came from the large experiment."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
wells = torch.randn(50, 12)
state = (wells[:, 0] - wells[:, 3] > 0).long()
loader = DataLoader(TensorDataset(wells, state), batch_size=128, shuffle=True, drop_last=True)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(100):
    losses = []
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
print("trained; accuracy", (model(wells).argmax(1) == state).float().mean().item())
