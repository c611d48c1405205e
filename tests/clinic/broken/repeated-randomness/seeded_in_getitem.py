import random

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class AugmentedDigits(Dataset):
    def __init__(self, images, labels, augment):
        self.images, self.labels, self.augment = images / 16.0, labels, augment

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        random.seed(1234)  # reproducible
        image = torch.tensor(self.images[i], dtype=torch.float32)
        if self.augment:
            image = image.roll((random.randint(-1, 1), random.randint(-1, 1)), (0, 1))
            if random.random() < 0.5:
                image = image + 0.05
        return image[None], int(self.labels[i])


torch.manual_seed(5)
digits = load_digits()
train = DataLoader(AugmentedDigits(digits.images[:1500], digits.target[:1500], True), 50, shuffle=True)
valid = DataLoader(AugmentedDigits(digits.images[1500:], digits.target[1500:], False), 100)
net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(5):
    for image, label in train:
        loss = F.cross_entropy(net(image), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((net(i).argmax(1) == t).sum().item() for i, t in valid)
    print(epoch, round(loss.item(), 4), right / 297)
