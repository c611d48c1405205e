import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits

rng = np.random.default_rng(11)
torch.manual_seed(11)

digits = load_digits()
images = (digits.data / 16.0).astype(np.float32)
labels = digits.target
rng.shuffle(images)
x_train, y_train = images[:1400], labels[:1400]
x_valid, y_valid = images[1400:], labels[1400:]


def batches(x, y, size, shuffle):
    idx = rng.permutation(len(x)) if shuffle else np.arange(len(x))
    for i in range(0, len(x), size):
        take = idx[i : i + size]
        yield torch.from_numpy(x[take]), torch.from_numpy(y[take])


model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(12):
    model.train()
    total = 0.0
    for xb, yb in batches(x_train, y_train, 50, shuffle=True):
        loss = loss_fn(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(xb)
    model.eval()
    with torch.no_grad():
        hits = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in batches(x_valid, y_valid, 200, shuffle=False))
    print(f"epoch {epoch}: train loss {total / len(x_train):.4f} valid accuracy {hits / len(x_valid):.4f}")
