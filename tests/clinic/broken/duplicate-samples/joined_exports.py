"""Two monthly exports overlap by a week; the rows were concatenated."""
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(12)
torch.manual_seed(12)
frame = pd.DataFrame(rng.normal(size=(1600, 6)), columns=list("abcdef"))
frame["won"] = ((frame.a - frame.c + 0.5 * frame.d * frame.e + rng.normal(0, 0.3, 1600)) > 0).astype(int)
valid, rest = frame[:300], frame[300:]
january, february = rest[:750], rest[620:]
train = pd.concat([january, february], ignore_index=True)


def tensors(part):
    return TensorDataset(torch.tensor(part[list("abcdef")].to_numpy(), dtype=torch.float32), torch.tensor(part.won.to_numpy()))


train_loader = DataLoader(tensors(train), batch_size=64, shuffle=True)
valid_loader = DataLoader(tensors(valid), batch_size=100)
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
