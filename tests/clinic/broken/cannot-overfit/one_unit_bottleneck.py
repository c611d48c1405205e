"""Digits through a narrow code: the encoder's width comes from a settings dictionary."""

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

SETTINGS = {"hidden": 64, "code": 1, "classes": 10, "lr": 2e-3, "batch": 40, "epochs": 12, "seed": 49}


class CodeClassifier(nn.Module):
    def __init__(self, hidden, code, classes):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, code), nn.Tanh())
        self.decoder = nn.Linear(code, classes)

    def forward(self, x):
        return self.decoder(self.encoder(x))


def get_data(seed):
    g = torch.Generator().manual_seed(seed)
    x, y = load_digits(return_X_y=True)
    order = torch.randperm(len(y), generator=g)
    x, y = torch.tensor(x, dtype=torch.float32)[order], torch.tensor(y)[order]
    x = (x - x[:1400].mean()) / x[:1400].std()
    return TensorDataset(x[:1400], y[:1400]), TensorDataset(x[1400:], y[1400:])


class Runner:
    def __init__(self, s):
        torch.manual_seed(s["seed"])
        train_set, val_set = get_data(s["seed"])
        self.train_dl, self.val_dl = DataLoader(train_set, s["batch"], shuffle=True), DataLoader(val_set, 200)
        self.model = CodeClassifier(s["hidden"], s["code"], s["classes"])
        self.optim = torch.optim.Adam(self.model.parameters(), lr=s["lr"])
        self.loss = nn.CrossEntropyLoss()
        self.epochs = s["epochs"]

    def run(self):
        for epoch in range(self.epochs):
            self.model.train()
            total = 0.0
            for x, y in self.train_dl:
                self.optim.zero_grad()
                loss = self.loss(self.model(x), y)
                loss.backward()
                self.optim.step()
                total += loss.item() * len(y)
            self.model.eval()
            with torch.no_grad():
                hits = sum((self.model(x).argmax(1) == y).sum().item() for x, y in self.val_dl)
            print(f"epoch {epoch:2d} train loss {total / 1400:.4f} val acc {hits / 397:.4f}")


if __name__ == "__main__":
    Runner(SETTINGS).run()
