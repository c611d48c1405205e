import pandas as pd
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(21)
rng = np.random.default_rng(21)

n = 1200
frame = pd.DataFrame(
    {
        "price": rng.normal(0, 1, n),
        "delivery_days": rng.normal(0, 1, n),
        "support_calls": rng.poisson(1.0, n) - 1.0,
        "returns": rng.binomial(1, 0.2, n) - 0.2,
    }
)
score = 3 - 0.6 * frame.delivery_days - 0.5 * frame.support_calls - 0.8 * frame.returns + 0.3 * frame.price * frame.returns
frame["stars"] = (score + rng.normal(0, 0.3, n)).round().clip(1, 5)


class Ratings(Dataset):
    def __init__(self, df):
        self.features = torch.tensor(df.drop(columns="stars").values, dtype=torch.float32)
        self.stars = torch.tensor(df.stars.values, dtype=torch.float32)

    def __len__(self):
        return len(self.stars)

    def __getitem__(self, idx):
        return self.features[idx], self.stars[idx]


class StarModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 48), nn.GELU(), nn.Linear(48, 48), nn.GELU(), nn.Linear(48, 1))

    def forward(self, x):
        return torch.round(self.net(x).squeeze(-1)).clamp(1, 5)


train_dl = DataLoader(Ratings(frame[:1000]), batch_size=40, shuffle=True)
valid_dl = DataLoader(Ratings(frame[1000:]), batch_size=200)
model = StarModel()
opt = torch.optim.RMSprop(model.parameters(), lr=1e-3)
loss_fn = nn.SmoothL1Loss()

for epoch in range(5):
    model.train()
    seen = 0.0
    for features, stars in train_dl:
        loss = loss_fn(model(features), stars)
        opt.zero_grad()
        loss.backward()
        opt.step()
        seen += loss.item()
    model.eval()
    with torch.no_grad():
        mae = sum((model(f) - s).abs().sum().item() for f, s in valid_dl) / 200
    print(f"epoch {epoch} train {seen / len(train_dl):.3f} mean absolute error {mae:.3f} stars")
