from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Options:
    latent: int = 6
    width: int = 48
    batch: int = 50
    epochs: int = 12
    rate: float = 2e-3


def spectra(n, seed):
    g = torch.Generator().manual_seed(seed)
    axis = torch.linspace(0, 1, 24)
    centre = 0.2 + 0.6 * torch.rand(n, 1, generator=g)
    height = 0.8 + 0.4 * torch.rand(n, 1, generator=g)
    peaks = height * torch.exp(-((axis - centre) ** 2) / 0.01)
    return TensorDataset(peaks + 0.03 * torch.randn(n, 24, generator=g))


class Synthesiser(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.latent = o.latent
        self.body = nn.Sequential(nn.Linear(o.latent, o.width), nn.ReLU(), nn.Linear(o.width, o.width), nn.ReLU())
        self.out = nn.Linear(o.width, 24)

    def forward(self, z):
        return self.out(self.body(z))


class Critic(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.score = nn.Sequential(
            nn.Linear(24, o.width), nn.LeakyReLU(0.2), nn.Linear(o.width, o.width), nn.LeakyReLU(0.2), nn.Linear(o.width, 1)
        )

    def forward(self, x):
        return self.score(x).squeeze(-1)


class Adversarial:
    def __init__(self, o):
        torch.manual_seed(3)
        self.o = o
        self.synthesiser, self.critic = Synthesiser(o), Critic(o)
        self.opt_critic = torch.optim.Adam(self.critic.parameters(), lr=o.rate, betas=(0.5, 0.999))
        self.opt_synth = torch.optim.Adam(self.critic.parameters(), lr=o.rate, betas=(0.5, 0.999))
        self.loss = nn.BCEWithLogitsLoss()

    def noise(self, n):
        return torch.randn(n, self.o.latent)

    def critic_step(self, real):
        fake = self.synthesiser(self.noise(len(real))).detach()
        scores = torch.cat([self.critic(real), self.critic(fake)])
        truth = torch.cat([torch.full((len(real),), 0.9), torch.zeros(len(real))])
        loss = self.loss(scores, truth)
        self.opt_critic.zero_grad()
        loss.backward()
        self.opt_critic.step()
        return loss.item()

    def synth_step(self, n):
        loss = self.loss(self.critic(self.synthesiser(self.noise(n))), torch.ones(n))
        self.opt_synth.zero_grad()
        loss.backward()
        self.opt_synth.step()
        return loss.item()

    def fit(self, loader):
        for epoch in range(self.o.epochs):
            rows = [(self.critic_step(real), self.synth_step(len(real))) for (real,) in loader]
            critic, synth = (sum(column) / len(rows) for column in zip(*rows, strict=True))
            with torch.no_grad():
                peak = self.synthesiser(self.noise(400)).amax(1).mean().item()
            print(f"{epoch:2d} critic {critic:.3f} synthesiser {synth:.3f} mean peak {peak:.3f}")


if __name__ == "__main__":
    options = Options()
    Adversarial(options).fit(DataLoader(spectra(1000, 0), batch_size=options.batch, shuffle=True))
