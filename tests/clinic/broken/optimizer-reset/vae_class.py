"""Convolution-free VAE on 8x8 digits."""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self, d=64, h=128, z=8):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(d, h), nn.ReLU())
        self.mu, self.logvar = nn.Linear(h, z), nn.Linear(h, z)
        self.dec = nn.Sequential(nn.Linear(z, h), nn.ReLU(), nn.Linear(h, d))

    def reparameterise(self, mu, logvar):
        return mu + torch.randn_like(mu) * (0.5 * logvar).exp()

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        return self.dec(self.reparameterise(mu, logvar)), mu, logvar


def elbo(recon, x, mu, logvar, beta=1.0):
    rec = F.binary_cross_entropy_with_logits(recon, x, reduction="none").sum(1)
    kld = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1)
    return (rec + beta * kld).mean()


class VAETrainer:
    def __init__(self, model, train, test, args):
        self.model, self.train, self.test, self.args = model, train, test, args
        self.optimizer = self.make_optimizer()

    def make_optimizer(self):
        return torch.optim.Adam(self.model.parameters(), lr=self.args.lr)

    def train_epoch(self):
        self.optimizer = self.make_optimizer()
        self.model.train()
        total = 0.0
        for idx in torch.randperm(len(self.train)).split(self.args.batch_size):
            x = self.train[idx]
            self.optimizer.zero_grad()
            loss = elbo(*[self.model(x)[0], x, *self.model(x)[1:]])
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(x)
        return total / len(self.train)

    @torch.no_grad()
    def test_epoch(self):
        self.model.eval()
        recon, mu, logvar = self.model(self.test)
        return elbo(recon, self.test, mu, logvar).item()

    def run(self):
        for epoch in range(1, self.args.epochs + 1):
            print(epoch, round(self.train_epoch(), 3), round(self.test_epoch(), 3))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=30)
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--seed", type=int, default=4)
    args = p.parse_args()
    torch.manual_seed(args.seed)
    x = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    x = x[torch.randperm(len(x))]
    VAETrainer(VAE(), x[:1500], x[1500:], args).run()


if __name__ == "__main__":
    main()
