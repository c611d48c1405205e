"""A network learns digits 0-5; its frozen features then serve a new head for digits 6-9."""

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(33)
X, Y = load_digits(return_X_y=True)
X = torch.tensor(X, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
Y = torch.tensor(Y)


def split(mask, offset):
    x, y = X[mask], Y[mask] - offset
    perm = torch.randperm(len(x))
    cut = int(0.8 * len(x))
    train = TensorDataset(x[perm[:cut]], y[perm[:cut]])
    val = TensorDataset(x[perm[cut:]], y[perm[cut:]])
    return DataLoader(train, batch_size=32, shuffle=True), DataLoader(val, batch_size=256)


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


class TransferModel(nn.Module):
    def __init__(self, backbone, classes):
        super().__init__()
        self.backbone = backbone
        for p in self.backbone.parameters():
            p.requires_grad = False
        self.head = nn.Linear(512, classes)

    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, x):
        return self.head(self.backbone(x))


def fit(model, loaders, epochs, lr):
    train_loader, val_loader = loaders
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        right = n = 0
        with torch.no_grad():
            for x, y in val_loader:
                right += (model(x).argmax(1) == y).sum().item()
                n += len(y)
        print(f"  epoch {epoch} loss {loss.item():.4f} val acc {right / n:.4f}")


print("pre-training on digits 0-5")
backbone = Backbone()
fit(nn.Sequential(backbone, nn.Linear(512, 6)), split(Y < 6, 0), epochs=3, lr=1e-3)
print("new head on digits 6-9, features frozen")
fit(TransferModel(backbone, 4), split(Y >= 6, 6), epochs=5, lr=3e-3)
