"""Pair sensor readings with event codes; both encoders come from an earlier stage."""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Pairs(Dataset):
    def __init__(self, n, mix, seed):
        g = torch.Generator().manual_seed(seed)
        self.codes = torch.randint(12, (n, 6), generator=g)
        onehot = F.one_hot(self.codes, 12).float().flatten(1)
        self.readings = onehot @ mix + 0.3 * torch.randn(n, 32, generator=g)

    def __len__(self):
        return len(self.codes)

    def __getitem__(self, i):
        return self.readings[i], self.codes[i]


class ReadingEncoder(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(32, 96), nn.GELU(), nn.Linear(96, dim))

    def forward(self, readings):
        return self.layers(readings)


class CodeEncoder(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.embed = nn.Embedding(12 * 6, 24)
        self.layers = nn.Sequential(nn.Linear(24 * 6, 96), nn.GELU(), nn.Linear(96, dim))

    def forward(self, codes):
        offsets = torch.arange(6) * 12
        return self.layers(self.embed(codes + offsets).flatten(1))


class DualEncoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.readings, self.codes = ReadingEncoder(dim), CodeEncoder(dim)
        self.temperature = nn.Parameter(torch.tensor(1.0))

    def lock(self, patterns):
        for name, p in self.named_parameters():
            if any(pattern in name for pattern in patterns):
                p.requires_grad = False

    def forward(self, readings, codes):
        a, b = F.normalize(self.readings(readings), dim=-1), F.normalize(self.codes(codes), dim=-1)
        return a @ b.t() * self.temperature.exp()


def symmetric_loss(logits):
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.t(), target)) / 2


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--locked", nargs="*", default=["embed", "layers"])
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    torch.manual_seed(15)
    mix = torch.randn(72, 32, generator=torch.Generator().manual_seed(0)) / 2.5
    train_loader = DataLoader(Pairs(1500, mix, 1), batch_size=50, shuffle=True)
    val_loader = DataLoader(Pairs(300, mix, 2), batch_size=50)
    model = DualEncoder()
    model.lock(args.locked)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=2e-3)
    for epoch in range(args.epochs):
        model.train()
        for readings, codes in train_loader:
            loss = symmetric_loss(model(readings, codes))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            hits = sum((model(r, c).argmax(1) == torch.arange(len(r))).sum().item() for r, c in val_loader)
        print(f"epoch {epoch} loss {loss.item():.4f} retrieval@1 of 50: {hits / 300:.3f}")


if __name__ == "__main__":
    main()
