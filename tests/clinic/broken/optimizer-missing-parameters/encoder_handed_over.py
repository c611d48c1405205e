"""Gesture recognition on top of a feature extractor that is kept as it is."""

import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def gestures(n, seed):
    g = torch.Generator().manual_seed(seed)
    kind = torch.randint(0, 4, (n,), generator=g)
    t = torch.linspace(0, 6.28, 30)
    speed = (1 + kind.float())[:, None] * t
    xyz = torch.stack([speed.sin(), speed.cos(), (0.5 * speed).sin()], dim=1)
    return xyz + 0.3 * torch.randn(n, 3, 30, generator=g), kind


class Extractor(nn.Module):
    """Random convolutional features (ROCKET-like): many short filters, their maxima and means."""

    def __init__(self, filters=128):
        super().__init__()
        self.conv = nn.Conv1d(3, filters, 9, padding=4)

    def forward(self, x):
        h = torch.relu(self.conv(x))
        return torch.cat([h.amax(-1), h.mean(-1)], dim=1)


class Recogniser(nn.Module):
    def __init__(self, extractor, kinds=4):
        super().__init__()
        self.extractor = extractor
        self.norm = nn.LayerNorm(256)
        self.readout = nn.Linear(256, kinds)

    def forward(self, x):
        return self.readout(self.norm(self.extractor(x)))


def configure(model, rate):
    for p in model.extractor.parameters():
        p.requires_grad_(False)
    return torch.optim.SGD(model.extractor.parameters(), lr=rate, momentum=0.9)


def evaluate(model, loader):
    model.eval()
    with torch.no_grad():
        right = [model(x).argmax(1) == y for x, y in loader]
    return torch.cat(right).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rate", type=float, default=0.02)
    args = parser.parse_args()
    torch.manual_seed(9)
    train = DataLoader(TensorDataset(*gestures(1200, 1)), batch_size=40, shuffle=True)
    held_out = DataLoader(TensorDataset(*gestures(300, 2)), batch_size=100)
    model = Recogniser(Extractor())
    optimizer = configure(model, args.rate)
    for epoch in range(args.epochs):
        model.train()
        losses = []
        for x, y in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch} loss {sum(losses) / len(losses):.4f} accuracy {evaluate(model, held_out):.3f}")


if __name__ == "__main__":
    main()
