# Default risk from income, age and number of cards, as they come from the file
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(5)
torch.manual_seed(5)
n = 2000
income, age, cards, share = rng.lognormal(10.4, 0.6, n), rng.integers(18, 80, n), rng.poisson(2, n), rng.random(n)
risk = 1.5 * share + 0.4 * cards - 0.00002 * income + rng.normal(0, 0.4, n)
x = torch.tensor(np.stack([income, age, cards, share], 1), dtype=torch.float32)
y = torch.tensor((risk > np.median(risk)).astype(int))
train_loader = DataLoader(TensorDataset(x[:1600], y[:1600]), batch_size=64, shuffle=True)
valid_loader = DataLoader(TensorDataset(x[1600:], y[1600:]), batch_size=200)
model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
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
