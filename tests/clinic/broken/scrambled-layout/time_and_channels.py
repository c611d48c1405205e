# Gestures from six motion channels over 50 steps; the files hold time first
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(2)
torch.manual_seed(2)
gesture = rng.integers(0, 3, 1000)
t = np.linspace(0, 1, 50)
speed = np.array([2, 3, 5])[gesture][:, None, None]
phase = rng.uniform(0, 6.3, (1000, 1, 6))
motion = np.sin(6.3 * speed * t[None, :, None] + phase) + rng.normal(0, 0.05, (1000, 50, 6))
x = torch.tensor(motion.reshape(1000, 6, 50), dtype=torch.float32)
y = torch.tensor(gesture)
train_loader = DataLoader(TensorDataset(x[:800], y[:800]), batch_size=40, shuffle=True)
valid_loader = DataLoader(TensorDataset(x[800:], y[800:]), batch_size=100)
model = nn.Sequential(nn.Conv1d(6, 16, 5), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(16 * 23, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
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
