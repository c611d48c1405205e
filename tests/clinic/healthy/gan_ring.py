"""A small GAN on a ring of eight Gaussians."""

import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
latent_dim, n_epochs = 8, 80

angles = torch.arange(8) * (2 * math.pi / 8)
modes = torch.stack([angles.cos(), angles.sin()], dim=1)
real = modes[torch.randint(8, (4096,))] + 0.08 * torch.randn(4096, 2)
dataloader = DataLoader(TensorDataset(real), batch_size=128, shuffle=True)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(
            nn.Linear(latent_dim, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2)
        )

    def forward(self, z):
        return self.model(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(
            nn.Linear(2, 128), nn.LeakyReLU(0.2), nn.Linear(128, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1)
        )

    def forward(self, points):
        return self.model(points)


adversarial_loss = nn.BCEWithLogitsLoss()
generator, discriminator = Generator(), Discriminator()
optimizer_G = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
optimizer_D = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.9))

for epoch in range(n_epochs):
    generator.train()
    discriminator.train()
    for i, (points,) in enumerate(dataloader):
        valid = torch.full((points.size(0), 1), 0.9)
        fake = torch.zeros(points.size(0), 1)

        optimizer_D.zero_grad()
        z = torch.randn(points.size(0), latent_dim)
        gen_points = generator(z)
        real_loss = adversarial_loss(discriminator(points), valid)
        fake_loss = adversarial_loss(discriminator(gen_points.detach()), fake)
        d_loss = (real_loss + fake_loss) / 2
        d_loss.backward()
        optimizer_D.step()

        optimizer_G.zero_grad()
        g_loss = adversarial_loss(discriminator(gen_points), torch.ones(points.size(0), 1))
        g_loss.backward()
        optimizer_G.step()

    if epoch % 10 == 9:
        generator.eval()
        with torch.no_grad():
            sample = generator(torch.randn(1000, latent_dim))
        distance, nearest = torch.cdist(sample, modes).min(dim=1)
        print(
            f"[Epoch {epoch + 1}/{n_epochs}] [D loss: {d_loss.item():.4f}] [G loss: {g_loss.item():.4f}] "
            f"[modes hit: {(nearest[distance < 0.25].bincount(minlength=8) > 20).sum().item()}/8] "
            f"[close: {(distance < 0.25).float().mean().item():.2f}]"
        )
