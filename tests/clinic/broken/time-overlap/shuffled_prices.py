"""Will the load of tomorrow be higher? Hourly figures with their date, divided at random."""

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Load(Dataset):
    def __init__(self, frame):
        self.frame = frame.reset_index(drop=True)

    def __len__(self):
        return len(self.frame)

    def __getitem__(self, i):
        row = self.frame.iloc[i]
        return {
            "timestamp": int(row["timestamp"].timestamp()),
            "x": torch.tensor([row["load"], row["wind"], row["hour"]], dtype=torch.float32),
            "y": torch.tensor(row["higher"], dtype=torch.float32),
        }


made = np.random.default_rng(0)
hours = pd.date_range("2021-01-01", periods=900, freq="h")
load = np.sin(np.arange(900) / 24 * 2 * np.pi) + 0.3 * made.standard_normal(900)
frame = pd.DataFrame({
    "timestamp": hours, "load": load, "wind": made.standard_normal(900), "hour": hours.hour / 24,
    "higher": (np.roll(load, -1) > load).astype(float),
})
train, test = train_test_split(frame, test_size=0.2, random_state=1)
torch.manual_seed(0)
train_loader = DataLoader(Load(train), batch_size=36, shuffle=True)
test_loader = DataLoader(Load(test), batch_size=60)
model = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for batch in train_loader:
        optimizer.zero_grad()
        out = model(batch["x"]).squeeze(1)
        loss = nn.functional.binary_cross_entropy_with_logits(out, batch["y"])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = sum(((model(b["x"]).squeeze(1) > 0) == b["y"].bool()).sum().item() for b in test_loader)
    print(epoch, right / len(test))
