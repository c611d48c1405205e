"""Three kinds of points; the loss takes the logarithm of probabilities."""

import torch
from sklearn.datasets import make_blobs
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(13)
points, kind = make_blobs(1200, 2, centers=[[0, 3], [-3, -2], [3, -2]], random_state=0)
x, y = torch.tensor(points, dtype=torch.float32), torch.tensor(kind)
train = DataLoader(TensorDataset(x[:900], y[:900]), batch_size=45, shuffle=True)
model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(10):
    for xb, yb in train:
        optimizer.zero_grad()
        loss = nn.functional.nll_loss(torch.log_softmax(model(xb), dim=0), yb)
        loss.backward()
        optimizer.step()
with torch.no_grad():
    print("score", (model(x[900:]).argmax(1) == y[900:]).float().mean().item())
