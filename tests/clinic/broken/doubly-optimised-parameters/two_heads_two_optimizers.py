import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Sensors(Dataset):
    """Accelerometer windows: which activity (4 classes) and how fast (steps per second)."""

    def __init__(self, n, seed, stats=None):
        rng = np.random.default_rng(seed)
        t = np.arange(64) / 20
        activity = rng.integers(0, 4, n)
        speed = rng.uniform(0.8, 3.0, n)
        shapes = np.array([[1.0, 0.1, 0.3], [0.4, 0.9, 0.2], [0.6, 0.5, 0.8], [0.2, 0.3, 1.0]])
        x = np.zeros((n, 3, 64))
        for i in range(n):
            phase = rng.uniform(0, 2 * np.pi)
            base = np.sin(2 * np.pi * speed[i] * t + phase)
            double = np.sin(4 * np.pi * speed[i] * t + 2 * phase)
            x[i] = shapes[activity[i]][:, None] * (base + 0.4 * np.array([[1], [-1], [0.5]]) * double)
        x = x * rng.uniform(0.7, 1.4, (n, 1, 1)) + 0.35 * rng.normal(size=x.shape)
        self.stats = stats or (x.mean(), x.std(), speed.mean(), speed.std())
        mx, sx, ms, ss = self.stats
        self.x = ((x - mx) / sx).astype(np.float32)
        self.activity = activity
        self.speed = ((speed - ms) / ss).astype(np.float32)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], {"activity": self.activity[i], "speed": self.speed[i]}


class MultiTaskNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv1d(3, 24, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(24, 32, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2),
            nn.Flatten(), nn.Linear(32 * 16, 64), nn.ReLU(),
        )  # fmt: skip
        self.activity_head = nn.Linear(64, 4)
        self.speed_head = nn.Linear(64, 1)

    def forward(self, x):
        h = self.trunk(x)
        return {"activity": self.activity_head(h), "speed": self.speed_head(h).squeeze(-1)}


class MultiTaskLoss(nn.Module):
    def __init__(self, weight=1.0):
        super().__init__()
        self.ce, self.mse, self.weight = nn.CrossEntropyLoss(), nn.MSELoss(), weight

    def forward(self, output, target):
        return self.ce(output["activity"], target["activity"]) + self.weight * self.mse(output["speed"], target["speed"])


torch.manual_seed(6)
train_set = Sensors(1400, seed=6)
val_set = Sensors(400, seed=7, stats=train_set.stats)
train_loader = DataLoader(train_set, batch_size=35, shuffle=True)
val_loader = DataLoader(val_set, batch_size=100)
model, criterion = MultiTaskNet(), MultiTaskLoss()
activity_optimizer = torch.optim.Adam([*model.trunk.parameters(), *model.activity_head.parameters()], lr=2e-3)
speed_optimizer = torch.optim.Adam([*model.trunk.parameters(), *model.speed_head.parameters()], lr=2e-3)
for epoch in range(6):
    model.train()
    for x, target in train_loader:
        loss = criterion(model(x), target)
        activity_optimizer.zero_grad()
        speed_optimizer.zero_grad()
        loss.backward()
        activity_optimizer.step()
        speed_optimizer.step()
    model.eval()
    hits, squared = 0, 0.0
    with torch.no_grad():
        for x, target in val_loader:
            out = model(x)
            hits += (out["activity"].argmax(1) == target["activity"]).sum().item()
            squared += (out["speed"] - target["speed"]).pow(2).sum().item()
    print(f"epoch {epoch} loss {loss.item():.4f} activity acc {hits / 400:.3f} speed mse {squared / 400:.3f}")
