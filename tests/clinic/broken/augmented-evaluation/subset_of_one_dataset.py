"""Textures: stripes or dots, with random crops, divided by indices."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset


class Textures(Dataset):
    def __init__(self, count):
        made = torch.Generator().manual_seed(2)
        self.kind = torch.arange(count) % 2
        grid = torch.arange(16)
        stripes = ((grid[None] + grid[:, None]) % 4 < 2).float()
        dots = ((grid[None] % 4 < 2) & (grid[:, None] % 4 < 2)).float()
        self.pictures = torch.stack([stripes, dots])[self.kind]
        self.pictures = self.pictures + 0.5 * torch.randn(count, 16, 16, generator=made)

    def __len__(self):
        return len(self.kind)

    def __getitem__(self, i):
        top, left = torch.randint(0, 5, (2,)).tolist()
        crop = self.pictures[i][top : top + 12, left : left + 12]
        return crop[None], self.kind[i]


torch.manual_seed(4)
whole = Textures(640)
order = torch.randperm(640).tolist()
train = DataLoader(Subset(whole, order[:500]), batch_size=25, shuffle=True)
valid = DataLoader(Subset(whole, order[500:]), batch_size=35)
net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(6):
    net.train()
    for crop, kind in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(crop), kind)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        right = sum((net(c).argmax(1) == k).sum().item() for c, k in valid)
    print(epoch, right / 140)
