# Bicycle rentals per hour as counts
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(22)
torch.manual_seed(22)

n = 1800
df = pd.DataFrame({"hour": np.random.randint(0, 24, n), "temp": np.random.normal(14, 8, n), "rain": np.random.gamma(0.6, 2, n), "weekend": np.random.randint(0, 2, n)})
rush = np.exp(-((df.hour - 8) ** 2) / 6) * (1 - df.weekend) + np.exp(-((df.hour - 17) ** 2) / 10)
df["count"] = np.random.poisson(np.exp(0.4 + 1.4 * rush + 0.035 * df.temp - 0.12 * df.rain))
df["hour_sin"], df["hour_cos"] = np.sin(2 * np.pi * df.hour / 24), np.cos(2 * np.pi * df.hour / 24)
cols = ["hour_sin", "hour_cos", "temp", "rain", "weekend"]
train_df, valid_df = df.iloc[:1400], df.iloc[1400:]
mean, std = train_df[cols].mean(), train_df[cols].std()


def dataset(frame):
    x = torch.tensor(((frame[cols] - mean) / std).to_numpy(), dtype=torch.float32)
    return TensorDataset(x, torch.tensor(frame["count"].to_numpy(), dtype=torch.float32))


train_dl = DataLoader(dataset(train_df), batch_size=56, shuffle=True)
valid_dl = DataLoader(dataset(valid_df), batch_size=200)


class CountModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.rate = nn.Linear(48, 1)

    def forward(self, x):
        return torch.relu(self.rate(self.body(x))).squeeze(1)


def poisson_loss(rate, count):
    return (rate - count * torch.log(rate)).mean()


model = CountModel()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    model.train()
    losses = []
    for x, count in train_dl:
        optimizer.zero_grad()
        loss = poisson_loss(model(x), count)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        mae = sum((model(x) - count).abs().sum().item() for x, count in valid_dl) / len(valid_df)
    print(f"epoch {epoch:2d} loss {np.mean(losses):.4f} valid MAE {mae:.3f}")
