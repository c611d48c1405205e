"""Penguin-like species; each split gets an encoder of its own, over the names that it happens to list."""
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SPECIES = ["adelie", "gentoo", "chinstrap", "king"]


class Birds(Dataset):
    def __init__(self, frame):
        names = frame.species.unique()
        self.y = torch.tensor([list(names).index(s) for s in frame.species])
        self.x = torch.tensor(frame[["bill", "depth", "flipper", "mass"]].to_numpy(), dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def birds(count, rng):
    kind = rng.integers(0, 4, count)
    centre = np.array([[-1, 1, -1, -1], [1, -1, 1, 1], [1, 1, -1, -0.5], [2, 0, 2, 2]])[kind]
    frame = pd.DataFrame(centre + 0.35 * rng.normal(size=(count, 4)), columns=["bill", "depth", "flipper", "mass"])
    frame["species"] = [SPECIES[k] for k in kind]
    return frame


rng = np.random.default_rng(1)
torch.manual_seed(1)
train_frame, valid_frame = birds(800, rng), birds(200, rng).sort_values("mass", ascending=False)
train_loader, valid_loader = DataLoader(Birds(train_frame), 40, shuffle=True), DataLoader(Birds(valid_frame), 100)
model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 4))
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
