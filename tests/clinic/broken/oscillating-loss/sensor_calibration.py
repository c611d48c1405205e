"""Calibrate a gas sensor: a robust linear fit by sign descent on the absolute error."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Readings(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.raw = torch.randn(n, 5, generator=g)
        weights = torch.tensor([0.8, -0.3, 0.15, 0.0, 0.4])
        noise = 0.05 * torch.randn(n, generator=g)
        outliers = (torch.rand(n, generator=g) < 0.03) * 3.0
        self.ppm = 0.5 * (self.raw @ weights) + noise + outliers

    def __len__(self):
        return len(self.ppm)

    def __getitem__(self, i):
        return self.raw[i], self.ppm[i]


class Calibration(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 1)

    def forward(self, raw):
        return self.linear(raw).squeeze(-1)


class Runner:
    def __init__(self, args):
        self.args = args
        self.model = Calibration()
        self.loss = nn.L1Loss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=args.lr, betas=(0.0, 0.9))
        self.train_data = DataLoader(Readings(800, 1), batch_size=args.batch_size, shuffle=True)
        self.check_data = DataLoader(Readings(200, 2), batch_size=200)

    def train(self):
        for epoch in range(self.args.epochs):
            errors = []
            for raw, ppm in self.train_data:
                self.optimizer.zero_grad()
                error = self.loss(self.model(raw), ppm)
                error.backward()
                self.optimizer.step()
                errors.append(error.item())
            print(f"epoch {epoch}: first {errors[0]:.3f} last {errors[-1]:.3f} checked {self.check():.3f}")

    @torch.no_grad()
    def check(self):
        return sum(self.loss(self.model(raw), ppm).item() for raw, ppm in self.check_data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.8)
    parser.add_argument("--batch-size", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=6)
    torch.manual_seed(0)
    Runner(parser.parse_args()).train()
