"""Horizontal or vertical stripes? A small convolutional network with a step schedule."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Stripes(Dataset):
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        made = torch.Generator().manual_seed(i)
        wave = torch.sin(torch.arange(14) * 1.3 + 6 * torch.rand(1, generator=made))
        picture = wave.expand(14, 14) + 0.4 * torch.randn(14, 14, generator=made)
        return (picture if i % 2 else picture.t())[None], i % 2


def main():
    torch.manual_seed(0)
    loader = DataLoader(Stripes(512), batch_size=32, shuffle=True)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(256, 2),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-7, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.5)
    for epoch in range(10):
        for picture, label in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(picture), label)
            loss.backward()
            optimizer.step()
        scheduler.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()
