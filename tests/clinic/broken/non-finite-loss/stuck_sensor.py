# Machine state from vibration windows; each window is normalised by its own mean and spread
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(22)
torch.manual_seed(22)

STATES = ["idle", "balanced", "imbalanced", "bearing"]
n, length = 1800, 64
t = np.arange(length)
state = np.random.randint(0, len(STATES), n)
windows = np.zeros((n, length))
for i, s in enumerate(state):
    phase = np.random.uniform(0, 6.28, 3)
    windows[i] = 0.4 * np.random.randn(length)
    if s >= 1:
        windows[i] += np.sin(0.5 * t + phase[0])
    if s == 2:
        windows[i] += 0.8 * np.sin(1.0 * t + phase[1])
    if s == 3:
        windows[i] += (np.random.rand(length) < 0.08) * np.random.randn(length) * 4
    if s == 0 and np.random.rand() < 0.04:
        windows[i] = np.random.uniform(-1, 1)  # sensor asleep
    else:
        windows[i] *= np.random.uniform(0.5, 3)

x, y = torch.tensor(windows, dtype=torch.float32), torch.tensor(state)
train_dl = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=50, shuffle=True)
valid_dl = DataLoader(TensorDataset(x[1400:], y[1400:]), batch_size=200)


class VibrationNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, 16, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2)
        )
        self.fc = nn.Sequential(nn.Flatten(), nn.Linear(32 * 16, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, window):
        window = (window - window.mean(1, keepdim=True)) / window.std(1, keepdim=True)
        return self.fc(self.conv(window.unsqueeze(1)))


model = VibrationNet()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(6):
    model.train()
    losses = []
    for window, label in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(window), label)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        hits = sum((model(window).argmax(1) == label).sum().item() for window, label in valid_dl)
    print(f"epoch {epoch} loss {np.mean(losses):.4f} valid accuracy {hits / 400:.3f}")
