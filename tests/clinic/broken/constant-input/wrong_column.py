# Rock types from four measurements; every row of the matrix is filled from the first line
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(8)
torch.manual_seed(8)
kind = rng.integers(0, 3, 900)
table = rng.normal(size=(900, 4)) + kind[:, None] * 1.2
features = np.stack([table[0] for _ in range(len(table))]).astype("float32")
x, y = torch.from_numpy(features), torch.from_numpy(kind)
train_loader = DataLoader(TensorDataset(x[:700], y[:700]), batch_size=50, shuffle=True)
valid_loader = DataLoader(TensorDataset(x[700:], y[700:]), batch_size=100)
model = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(8):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in valid_loader)
    print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {hits / len(valid_loader.dataset):.3f}")
