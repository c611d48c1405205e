import torch
from torch import autograd, nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(44)
LATENT, PENALTY, CRITIC_STEPS = 4, 1.0, 3

angle = 6.2832 * torch.rand(2400, 1)
spiral = torch.cat([angle * torch.cos(angle), angle * torch.sin(angle)], 1) / 6.0 + 0.03 * torch.randn(2400, 2)
dataloader = DataLoader(TensorDataset(spiral), batch_size=80, shuffle=True, drop_last=True)

generator = nn.Sequential(nn.Linear(LATENT, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 2))
critic = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
optimizer_g = optim.Adam(generator.parameters(), lr=5e-4, betas=(0.5, 0.9))
optimizer_c = optim.Adam(critic.parameters(), lr=5e-4, betas=(0.5, 0.9))


def gradient_penalty(real, fake):
    mix = torch.rand(len(real), 1)
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    slope = autograd.grad(critic(between).sum(), between, create_graph=True)[0]
    return ((slope.norm(2, dim=1) - 1) ** 2).mean()


for epoch in range(8):
    for i, (real,) in enumerate(dataloader):
        optimizer_c.zero_grad()
        fake = generator(torch.randn(len(real), LATENT)).detach()
        critic_loss = critic(fake).mean() - critic(real).mean() + PENALTY * gradient_penalty(real, fake)
        critic_loss.backward()
        optimizer_c.step()
        if i % CRITIC_STEPS == 0:
            optimizer_g.zero_grad()
            generator_loss = -critic(generator(torch.randn(len(real), LATENT))).mean()
            generator_loss.backward()
            optimizer_g.step()
    with torch.no_grad():
        made = generator(torch.randn(500, LATENT))
        gap = torch.cdist(made, spiral).min(1).values.mean()
    print(f"epoch {epoch} critic {critic_loss.item():.4f} generator {generator_loss.item():.4f} distance to the spiral {gap:.4f}")
