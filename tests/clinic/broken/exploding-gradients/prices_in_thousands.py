import numpy as np
import pandas as pd
import torch
from torch import nn, optim

rng = np.random.default_rng(5)
n = 1200
frame = pd.DataFrame(
    {
        "area": rng.gamma(6, 20, n),
        "rooms": rng.integers(1, 7, n),
        "age": rng.integers(0, 90, n),
        "centre_km": rng.exponential(6, n),
    }
)
price = (
    900 * frame.area
    + 12000 * frame.rooms
    - 500 * frame.age
    - 4000 * frame.centre_km
    + rng.normal(0, 8000, n)
)
features = ((frame - frame.mean()) / frame.std()).to_numpy(dtype=np.float32)
x = torch.from_numpy(features)
y = torch.from_numpy(price.to_numpy(dtype=np.float32)).unsqueeze(1) / 1000
x_train, y_train, x_val, y_val = x[:1000], y[:1000], x[1000:], y[1000:]

torch.manual_seed(5)
model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
criterion = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
batch = 50
for epoch in range(10):
    permutation = torch.randperm(len(x_train))
    for i in range(0, len(x_train), batch):
        rows = permutation[i : i + batch]
        optimizer.zero_grad()
        loss = criterion(model(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val = criterion(model(x_val), y_val)
    print(f"epoch {epoch} train {loss.item():.4g} val {val.item():.4g}")
