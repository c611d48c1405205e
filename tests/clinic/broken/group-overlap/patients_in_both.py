"""Several scans a patient, split scan by scan."""
import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(5)
torch.manual_seed(5)
patients = np.repeat(np.arange(120), 10)
habit = rng.normal(size=(120, 6))[patients]
sick = rng.integers(0, 2, 120)[patients]
scans = pd.DataFrame(habit + 0.8 * sick[:, None] + 0.3 * rng.normal(size=(1200, 6)), columns=[f"m{i}" for i in range(6)])
scans["patient_id"], scans["sick"] = patients, sick


class Scans(Dataset):
    def __init__(self, frame):
        self.frame = frame.reset_index(drop=True)
        self.values = torch.tensor(frame[[f"m{i}" for i in range(6)]].to_numpy(), dtype=torch.float32)

    def __len__(self):
        return len(self.frame)

    def __getitem__(self, i):
        return self.values[i], int(self.frame.sick[i])


train, valid = train_test_split(scans, test_size=0.2, random_state=0)
train_loader, valid_loader = DataLoader(Scans(train), 60, shuffle=True), DataLoader(Scans(valid), 120)
model = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 2))
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
