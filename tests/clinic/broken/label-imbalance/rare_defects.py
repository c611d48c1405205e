# Defects in one part of a hundred, plain cross-entropy
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(4)
torch.manual_seed(4)
n = 4000
x = rng.normal(size=(n, 8))
score = 1.3 * x[:, 0] - x[:, 1] + 0.7 * x[:, 2] * x[:, 3] + rng.normal(0, 0.8, n)
y = (score > np.quantile(score, 0.99)).astype(int)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
train_loader = DataLoader(TensorDataset(x[:3200], y[:3200]), batch_size=64, shuffle=True)
valid_loader = DataLoader(TensorDataset(x[3200:], y[3200:]), batch_size=200)
model = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 2))
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
