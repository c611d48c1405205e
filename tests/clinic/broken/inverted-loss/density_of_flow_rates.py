"""Mixture density network: which inflow belongs to a water level, when several do?"""

import argparse

import torch
from torch import nn
from torch.distributions import Categorical, MixtureSameFamily, Normal
from torch.utils.data import DataLoader, Dataset


class Gauges(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        inflow = torch.rand(n, generator=g) * 2 - 1
        level = inflow + 0.35 * torch.sin(6 * inflow) + 0.04 * torch.randn(n, generator=g)
        self.level, self.inflow = level[:, None], inflow

    def __len__(self):
        return len(self.inflow)

    def __getitem__(self, i):
        return {"level": self.level[i], "inflow": self.inflow[i]}


class MixtureDensity(nn.Module):
    def __init__(self, parts=4, width=48):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.head = nn.Linear(width, 3 * parts)

    def forward(self, level):
        weight, centre, spread = self.head(self.body(level)).chunk(3, dim=-1)
        spread = 0.05 + nn.functional.softplus(spread)
        return MixtureSameFamily(Categorical(logits=weight), Normal(centre, spread))


def run(model, loader, optimizer=None):
    model.train(optimizer is not None)
    total = count = 0
    with torch.set_grad_enabled(optimizer is not None):
        for batch in loader:
            density = model(batch["level"])
            loss = density.log_prob(batch["inflow"]).mean()
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 5.0)
                optimizer.step()
            total += loss.item() * len(batch["inflow"])
            count += len(batch["inflow"])
    return total / count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rate", type=float, default=3e-3)
    args = parser.parse_args()
    torch.manual_seed(6)
    train = DataLoader(Gauges(1600, 0), batch_size=50, shuffle=True)
    valid = DataLoader(Gauges(400, 1), batch_size=100)
    model = MixtureDensity()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.rate)
    for epoch in range(args.epochs):
        print(f"{epoch:2d} train {run(model, train, optimizer):.3f} valid {run(model, valid):.3f}")


if __name__ == "__main__":
    main()
