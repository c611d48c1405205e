"""Two stages: features on coarse labels first, then fine labels with the features kept as they are."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class Features(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(64, width), nn.Linear(width, width)
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        return F.relu(self.fc2(self.drop(F.relu(self.fc1(x)))))


class Model(nn.Module):
    def __init__(self, features, n_classes):
        super().__init__()
        self.features = features
        self.head = nn.Sequential(nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, n_classes))

    def forward(self, x):
        return self.head(self.features(x))

    def freeze(self, part):
        for child_name, child in self.named_children():
            if child_name != part:
                child.requires_grad_(False)


def loaders(x, y):
    cut = 1400
    train, val = TensorDataset(x[:cut], y[:cut]), TensorDataset(x[cut:], y[cut:])
    return DataLoader(train, batch_size=50, shuffle=True), DataLoader(val, batch_size=200)


def fit(model, train_loader, val_loader, epochs, lr):
    opt = torch.optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=lr)
    for epoch in range(epochs):
        model.train()
        for x, y in train_loader:
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            acc = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader) / len(val_loader.dataset)
        print(f"  epoch {epoch} loss {loss.item():.4f} val acc {acc:.4f}")


def main():
    torch.manual_seed(52)
    digits, target = load_digits(return_X_y=True)
    perm = torch.randperm(len(target))
    x = torch.tensor(digits / 16, dtype=torch.float32)[perm]
    y = torch.tensor(target)[perm]
    features = Features()
    print("stage 1: digits modulo five")
    fit(Model(features, 5), *loaders(x, y % 5), epochs=4, lr=2e-3)
    print("stage 2: the ten digits")
    model = Model(features, 10)
    model.freeze("features")
    fit(model, *loaders(x, y), epochs=6, lr=2e-3)


if __name__ == "__main__":
    main()
