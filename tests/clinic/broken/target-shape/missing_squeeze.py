# Diabetes progression; the head gives [batch, 1], the labels are [batch]
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
data = load_diabetes()
x, y = torch.tensor(scale(data.data), dtype=torch.float32), torch.tensor(scale(data.target), dtype=torch.float32)
train_loader = DataLoader(TensorDataset(x[:360], y[:360]), batch_size=24, shuffle=True)
valid_loader = DataLoader(TensorDataset(x[360:], y[360:]), batch_size=40)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.SmoothL1Loss()

for epoch in range(8):
    for xb, yb in train_loader:
        loss = criterion(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = sum(criterion(model(xb), yb).item() * len(xb) for xb, yb in valid_loader) / len(valid_loader.dataset)
    print(f"epoch {epoch}: loss {loss.item():.4f} validation {error:.4f}")
