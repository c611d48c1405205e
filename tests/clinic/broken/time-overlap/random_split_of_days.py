"""Sales by day, split at random."""
import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(6)
torch.manual_seed(6)
days = pd.date_range("2022-01-01", periods=1000)
frame = pd.DataFrame({"date": days.astype(str), "weekday": days.weekday / 3 - 1, "season": np.sin(days.dayofyear / 58), "price": rng.normal(size=1000)})
frame["high"] = (0.8 * frame.season - 0.9 * frame.price + 0.4 * frame.weekday + 0.4 * rng.normal(size=1000) > 0).astype(int)


class Sales(Dataset):
    def __init__(self, frame):
        self.frame = frame.reset_index(drop=True)
        self.x = torch.tensor(frame[["weekday", "season", "price"]].to_numpy(), dtype=torch.float32)

    def __len__(self):
        return len(self.frame)

    def __getitem__(self, i):
        return self.x[i], int(self.frame.high[i])


train, valid = train_test_split(frame, test_size=0.2, random_state=0)
train_loader, valid_loader = DataLoader(Sales(train), 50, shuffle=True), DataLoader(Sales(valid), 100)
model = nn.Sequential(nn.Linear(3, 48), nn.ReLU(), nn.Linear(48, 2))
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
