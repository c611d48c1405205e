import argparse

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int, default=9)
parser.add_argument("--channels", type=int, default=12)
parser.add_argument("--epochs", type=int, default=3)
args = parser.parse_args()

torch.manual_seed(27)
KINDS = ("horizontal", "vertical", "rising", "falling")


class Stripes(Dataset):
    """Stripes in one of four directions, at a random phase and wavelength."""

    def __init__(self, n, size=16):
        rows, cols = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        along = torch.stack([rows, cols, rows + cols, rows - cols]).float()
        self.labels = torch.randint(len(KINDS), (n,))
        wave = 0.8 + 0.6 * torch.rand(n, 1, 1)
        phase = 6.28 * torch.rand(n, 1, 1)
        self.images = torch.sin(wave * along[self.labels] + phase) + 0.4 * torch.randn(n, size, size)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index].unsqueeze(0), self.labels[index]


def tower(depth, channels):
    layers = []
    for i in range(depth):
        layers += [nn.Conv2d(1 if i == 0 else channels, channels, 3, padding=1), nn.Sigmoid()]
        if i in (2, 5):
            layers.append(nn.AvgPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, len(KINDS)))


model = tower(args.depth, args.channels)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
criterion = nn.CrossEntropyLoss()
train_loader = DataLoader(Stripes(960), batch_size=48, shuffle=True)
test_loader = DataLoader(Stripes(240), batch_size=120)

for epoch in range(args.epochs):
    model.train()
    for images, labels in train_loader:
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(images).argmax(1) == labels).sum().item() for images, labels in test_loader)
    print(f"[{epoch}] loss {loss.item():.4f} accuracy {right / 240:.3f}")
