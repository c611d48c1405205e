"""Digits, moved and blurred for training; the last part of a shuffled order is kept for the test."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

torch.manual_seed(0)
np.random.seed(0)
digits = load_digits()
images = torch.tensor(digits.images / 16.0, dtype=torch.float32).unsqueeze(1)
labels = torch.tensor(digits.target)


def jitter(image):
    down, right = np.random.randint(-1, 2, 2)
    return torch.roll(image, (int(down), int(right)), (1, 2)) + 0.05 * torch.randn_like(image)


class Digits(Dataset):
    def __init__(self, transform=None):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = self.images[i]
        if self.transform:
            image = self.transform(image)
        return image, self.labels[i]


order = np.random.permutation(len(images))
train_set = Subset(Digits(jitter), order[:1500].tolist())
test_set = Subset(Digits(), order[1400:].tolist())
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
test_loader = DataLoader(test_set, batch_size=128)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 64, 10)
)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(4):
    model.train()
    for image, label in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(image), label)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(image).argmax(1) == label).sum().item() for image, label in test_loader)
    print(epoch, loss.item(), right / len(test_set))
