"""A survey with few answers to each question: equal rows are natural, within and across the splits."""
import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(26)
torch.manual_seed(26)
answers = rng.integers(0, 4, (3000, 5))
y = ((answers[:, 0] + answers[:, 1] > answers[:, 2] + 1) ^ (rng.random(3000) < 0.03)).astype(int)
values = (answers - answers.mean(0)) / answers.std(0)


class Survey(Dataset):
    def __init__(self, rows):
        self.x, self.y = torch.tensor(values[rows], dtype=torch.float32), torch.tensor(y[rows])

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


train, valid = train_test_split(np.arange(3000), test_size=0.2, random_state=0)
train_loader, valid_loader = DataLoader(Survey(train), 64, shuffle=True), DataLoader(Survey(valid), 200)
model = nn.Sequential(nn.Linear(5, 48), nn.ReLU(), nn.Linear(48, 2))
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
