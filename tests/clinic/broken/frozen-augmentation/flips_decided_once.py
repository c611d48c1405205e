"""Arrows that point left or right of a line; pictures are flipped at random up and down."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class RandomFlip:
    def __init__(self, chance):
        self.chance = chance
        self.generator = random.Random(0)
        self.decided = {}

    def __call__(self, picture, index):
        if index not in self.decided:
            self.decided[index] = self.generator.random() < self.chance
        return picture.flip(-2) if self.decided[index] else picture


class Arrows(Dataset):
    def __init__(self, count, transform=None):
        made = torch.Generator().manual_seed(5)
        self.side = torch.randint(0, 2, (count,), generator=made)
        self.pictures = 0.3 * torch.randn(count, 1, 10, 10, generator=made)
        for picture, side in zip(self.pictures, self.side):
            row = int(torch.randint(1, 9, (), generator=made))
            picture[0, row - 1 : row + 2, 0 if side else 9] += 2.0
        self.transform = transform

    def __len__(self):
        return len(self.side)

    def __getitem__(self, i):
        picture = self.pictures[i]
        if self.transform:
            picture = self.transform(picture, i)
        return picture, self.side[i]


torch.manual_seed(0)
loader = DataLoader(Arrows(480, RandomFlip(0.5)), batch_size=24, shuffle=True)
net = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(384, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(6):
    for picture, side in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(picture), side)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
