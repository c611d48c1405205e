# Small DCGAN on 8x8 digits; samples of the same noise are looked at after every epoch.
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(4)
real = torch.tensor(load_digits().images / 8.0 - 1.0, dtype=torch.float32).unsqueeze(1)
LATENT, BATCH, EPOCHS = 16, 60, 6

generator = nn.Sequential(
    nn.ConvTranspose2d(LATENT, 48, 2), nn.BatchNorm2d(48), nn.ReLU(),
    nn.ConvTranspose2d(48, 24, 4, 2, 1), nn.BatchNorm2d(24), nn.ReLU(),
    nn.ConvTranspose2d(24, 1, 4, 2, 1), nn.Tanh(),
)  # fmt: skip
discriminator = nn.Sequential(
    nn.Conv2d(1, 24, 4, 2, 1), nn.LeakyReLU(0.2),
    nn.Conv2d(24, 48, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(48 * 4, 1),
)  # fmt: skip
opt_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))
bce = nn.functional.binary_cross_entropy_with_logits
fixed_noise = torch.randn(64, LATENT, 1, 1)

for epoch in range(EPOCHS):
    for rows in torch.randperm(len(real)).split(BATCH):
        batch = real[rows]
        noise = torch.randn(len(batch), LATENT, 1, 1)
        fake = generator(noise)
        on_real, on_fake = discriminator(batch), discriminator(fake.detach())
        loss_d = bce(on_real, torch.ones_like(on_real)) + bce(on_fake, torch.zeros_like(on_fake))
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()
        judged = discriminator(fake)
        loss_g = bce(judged, torch.ones_like(judged))
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()
    with torch.no_grad():
        samples = generator(fixed_noise)
        gap = (samples.mean(0) - real.mean(0)).abs().mean().item()
    print(f"epoch {epoch} d {loss_d.item():.3f} g {loss_g.item():.3f} gap of the mean picture {gap:.3f}")
