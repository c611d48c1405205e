"""A rare class is repeated inside the training split, after the split; nothing is wrong with that."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(21)
torch.manual_seed(21)
n = 2400
x = rng.normal(size=(n, 8))
score = 1.5 * x[:, 0] - x[:, 1] + 0.5 * rng.normal(size=n)
y = (score > np.quantile(score, 0.93)).astype(int)
train_x, train_y, valid_x, valid_y = x[:1800], y[:1800], x[1800:], y[1800:]
rare = np.flatnonzero(train_y == 1)
again = np.concatenate([np.arange(1800), np.repeat(rare, 10)])


def dataset(values, labels):
    return TensorDataset(torch.tensor(values, dtype=torch.float32), torch.tensor(labels))


train_loader = DataLoader(dataset(train_x[again], train_y[again]), batch_size=64, shuffle=True)
valid_loader = DataLoader(dataset(valid_x, valid_y), batch_size=200)
model = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 2))
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
