# Temperature forecast from the previous two days
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(9)
rng = np.random.default_rng(9)

hours = np.arange(24 * 120)
temp = 12 + 7 * np.sin(2 * np.pi * (hours - 9) / 24) + np.cumsum(rng.normal(0, 0.25, len(hours))) * 0.5
temp = temp + 3 * np.sin(2 * np.pi * hours / (24 * 11)) + rng.normal(0, 0.6, len(hours))
cut = 24 * 90
mean, std = temp[:cut].mean(), temp[:cut].std()
temp = ((temp - mean) / std).astype(np.float32)


def windows(series, past=48, ahead=6):
    starts = range(0, len(series) - past - ahead, 2)
    x = np.stack([series[s : s + past] for s in starts])
    y = np.stack([series[s + past + ahead - 1] for s in starts])
    return TensorDataset(torch.from_numpy(x).unsqueeze(-1), torch.from_numpy(y))


train_loader = DataLoader(windows(temp[:cut]), batch_size=32, shuffle=True)
valid_loader = DataLoader(windows(temp[cut:]), batch_size=100)


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 32, batch_first=True)
        self.linear = nn.Linear(32, 1)

    def forward(self, x):
        return self.linear(self.gru(x)[0][:, -1]).squeeze(-1)


def validate(model):
    torch.set_grad_enabled(False)
    model.eval()
    error, n = 0.0, 0
    for x, y in valid_loader:
        error += (model(x) - y).abs().sum().item()
        n += len(y)
    return error / n * std


model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.MSELoss()
print(f"before training: MAE {validate(model):.2f} degrees")
for epoch in range(6):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.requires_grad_(True)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.4f} MAE {validate(model):.2f} degrees")
