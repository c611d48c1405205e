"""Adversarial training on digits: parameters are switched off while the attack is computed."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(64)
digits = load_digits()
perm = torch.randperm(len(digits.target))
x = torch.tensor(digits.images, dtype=torch.float32)[perm].unsqueeze(1) / 16
y = torch.tensor(digits.target)[perm]
train_loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=50, shuffle=True)
test_loader = DataLoader(TensorDataset(x[1400:], y[1400:]), batch_size=200)


class SmallConv(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 16, 10)

    def forward(self, x):
        return self.fc(F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2).flatten(1))


def fgsm(model, x, y, eps):
    model.requires_grad_(False)
    x.requires_grad_(True)
    loss = F.cross_entropy(model(x), y)
    (grad,) = torch.autograd.grad(loss, x)
    return (x + eps * grad.sign()).clamp(0, 1).detach()


model = SmallConv()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    model.train()
    total = 0.0
    for xb, yb in train_loader:
        adversarial = fgsm(model, xb, yb, eps=0.08)
        optimizer.zero_grad()
        loss = 0.5 * F.cross_entropy(model(xb), yb) + 0.5 * F.cross_entropy(model(adversarial), yb)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(xb)
    model.eval()
    with torch.no_grad():
        clean = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in test_loader) / 397
    print(f"epoch {epoch} loss {total / 1400:.4f} clean accuracy {clean:.4f}")
