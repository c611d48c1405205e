"""A learning-rate range test, then the training: the weights are put back in between."""

import argparse
import copy
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def textures(count, seed):
    draw = torch.Generator().manual_seed(seed)
    kinds = torch.randint(0, 3, (count,), generator=draw)
    grid = torch.arange(16.0)
    angle = kinds * math.pi / 3
    wave = torch.cos(angle)[:, None, None] * grid[:, None] + torch.sin(angle)[:, None, None] * grid
    shift = torch.rand(count, 1, 1, generator=draw) * 6.28
    noise = torch.randn(count, 16, 16, generator=draw) * 0.5
    return TensorDataset((torch.sin(wave + shift) + noise).unsqueeze(1), kinds)


def build():
    return nn.Sequential(
        nn.Conv2d(1, 12, 5, padding=2), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.Linear(64, 3),
    )


def find_rate(model, loader, low=1e-5, high=1.0, steps=18):
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=low)
    factor, best, losses = (high / low) ** (1 / steps), math.inf, []
    model.train()
    for step, (pictures, kinds) in zip(range(steps), loader):
        optimizer.param_groups[0]["lr"] = low * factor**step
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(pictures), kinds)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        best = min(best, losses[-1])
        if losses[-1] > 4 * best:
            break
    model.load_state_dict(before)
    return low * factor ** losses.index(best) / 10


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=6)
    args = parser.parse_args()
    torch.manual_seed(0)
    train = DataLoader(textures(640, 0), batch_size=32, shuffle=True)
    valid = DataLoader(textures(200, 1), batch_size=100)
    model = build()
    print(f"range test: a rate of {find_rate(model, train):.1e}")
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(args.epochs):
        model.train()
        for pictures, kinds in train:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(pictures), kinds)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(p).argmax(1) == k).sum().item() for p, k in valid)
        print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {right / 200:.3f}")


if __name__ == "__main__":
    main()
