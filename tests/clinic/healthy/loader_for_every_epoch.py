"""Digits again: data sets and loaders are made where they are read, in every epoch."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    def __init__(self, part):
        digits = load_digits()
        order = torch.randperm(1797, generator=torch.Generator().manual_seed(0))
        chosen = order[:1400] if part == "train" else order[1400:]
        self.x = torch.tensor(digits.data / 16, dtype=torch.float32)[chosen]
        self.y = torch.tensor(digits.target)[chosen]

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


torch.manual_seed(0)
model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    model.train()
    for images, labels in DataLoader(Digits("train"), batch_size=35, shuffle=True):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    right = 0
    with torch.no_grad():
        for images, labels in DataLoader(Digits("test"), batch_size=100):
            right += (model(images).argmax(1) == labels).sum().item()
    print(epoch, right / 397)
