"""Digits, with the loop in a class."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Classifier:
    def __init__(self):
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=2e-3)
        self.criterion = nn.CrossEntropyLoss()

    def fit(self, loader, epochs):
        for _ in range(epochs):
            self.net.train()
            for images, labels in loader:
                self.optimizer.zero_grad()
                loss = self.criterion(self.net(images), labels)
                loss.backward()

    def score(self, images, labels):
        self.net.eval()
        with torch.no_grad():
            return (self.net(images).argmax(1) == labels).float().mean().item()


torch.manual_seed(0)
digits = load_digits()
x, y = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
order = torch.randperm(len(x))
x, y = x[order], y[order]
classifier = Classifier()
classifier.fit(DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=32, shuffle=True), 10)
print("score", classifier.score(x[1400:], y[1400:]))
