import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Rings(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.inner = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(4, width), nn.ReLU())
        self.up = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(width, 2, 3, padding=1))

    def forward(self, image):
        return self.up(self.inner(self.down(image)))


def rings(count):
    grid = torch.stack(torch.meshgrid(torch.arange(20.0), torch.arange(20.0), indexing="ij"))
    centre = torch.rand(count, 2, 1, 1) * 8 + 6
    far = (grid - centre).pow(2).sum(1).sqrt()
    mask = ((far > 2.5) & (far < 5.0)).long()
    return TensorDataset((mask + 0.5 * torch.randn(count, 20, 20)).unsqueeze(1), mask)


class Poly:
    """The rate (1 - iteration / iterations) ** power, set before every iteration."""

    def __init__(self, optimizer, iterations, power=0.9):
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda done: max(0.0, 1 - done / iterations) ** power
        )

    def step(self):
        self.schedule.step()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--iterations", type=int, default=64)
    args = parser.parse_args()
    torch.manual_seed(9)
    loader = DataLoader(rings(512), batch_size=32, shuffle=True)
    model = Rings(16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    decay = Poly(optimizer, args.iterations)
    for epoch in range(args.epochs):
        total = 0.0
        for image, mask in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(image), mask)
            loss.backward()
            optimizer.step()
            decay.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(loader):.4f}, rate {optimizer.param_groups[0]['lr']:.1e}")


if __name__ == "__main__":
    main()
