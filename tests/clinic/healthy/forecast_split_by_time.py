"""Machines stand in both splits, the validation lies later: a forecast, split by time."""
import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(23)
torch.manual_seed(23)
hours = pd.date_range("2024-01-01", periods=120, freq="6h")
rows = []
for machine in range(12):
    level = rng.normal()
    load = level + np.sin(np.arange(120) / 5 + machine) + 0.3 * rng.normal(size=120)
    for i in range(3, 119):
        rows.append((f"m{machine}", hours[i].isoformat(), *load[i - 3 : i + 1], int(load[i + 1] > load[i])))
frame = pd.DataFrame(rows, columns=["machine_id", "timestamp", "a", "b", "c", "d", "rises"])


class Load(Dataset):
    def __init__(self, frame):
        self.frame = frame.reset_index(drop=True)
        self.x = torch.tensor(frame[list("abcd")].to_numpy(), dtype=torch.float32)

    def __len__(self):
        return len(self.frame)

    def __getitem__(self, i):
        return self.x[i], int(self.frame.rises[i])


cut = hours[95].isoformat()
train_loader = DataLoader(Load(frame[frame.timestamp < cut]), batch_size=50, shuffle=True)
valid_loader = DataLoader(Load(frame[frame.timestamp >= cut]), batch_size=100)
model = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 2))
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
