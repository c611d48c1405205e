# average over three seeds
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import make_moons
from torch.utils.data import DataLoader, TensorDataset


def make_model():
    return nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))


def accuracy(model, loader):
    model.eval()
    correct = 0
    with torch.no_grad():
        for xb, yb in loader:
            correct += (model(xb).argmax(1) == yb).sum().item()
    return correct / len(loader.dataset)


X, y = make_moons(1200, noise=0.22, random_state=5)
X = (X - X[:900].mean(0)) / X[:900].std(0)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
valid_loader = DataLoader(TensorDataset(X[900:], y[900:]), batch_size=300)

torch.manual_seed(0)
model = make_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
criterion = nn.CrossEntropyLoss()

scores = []
for seed in range(3):
    torch.manual_seed(seed)
    train_loader = DataLoader(TensorDataset(X[:900], y[:900]), batch_size=30, shuffle=True)
    model = make_model()
    for epoch in range(8):
        model.train()
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
    scores.append(accuracy(model, valid_loader))
    print(f"seed {seed}: last loss {loss.item():.4f} valid accuracy {scores[-1]:.4f}")
print(f"mean accuracy {np.mean(scores):.4f} +- {np.std(scores):.4f}")
