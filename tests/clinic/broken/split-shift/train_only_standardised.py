# The scaler was applied to the training part alone
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(8)
torch.manual_seed(8)
table = rng.gamma(4, 25, (1500, 7))
y = torch.tensor((table[:, 0] + table[:, 1] > 2 * table[:, 2] + rng.normal(0, 20, 1500)).astype(int))
mean, spread = table[:1200].mean(0), table[:1200].std(0)
x_train = torch.tensor((table[:1200] - mean) / spread, dtype=torch.float32)
x_valid = torch.tensor(table[1200:], dtype=torch.float32)
train_loader = DataLoader(TensorDataset(x_train, y[:1200]), batch_size=50, shuffle=True)
valid_loader = DataLoader(TensorDataset(x_valid, y[1200:]), batch_size=100)
model = nn.Sequential(nn.Linear(7, 48), nn.ReLU(), nn.Linear(48, 2))
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
