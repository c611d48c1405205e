"""Small denoising diffusion model on two moons; samples come from an averaged copy of the weights."""

import copy

import torch
import torch.nn as nn
from sklearn.datasets import make_moons
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(25)
T = 50
betas = torch.linspace(1e-3, 0.12, T)
alphas = 1 - betas
alphas_bar = alphas.cumprod(0)


class Denoiser(nn.Module):
    def __init__(self, hidden=96):
        super().__init__()
        self.time = nn.Embedding(T, 16)
        self.net = nn.Sequential(
            nn.Linear(18, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(),
            nn.Linear(hidden, 2),
        )  # fmt: skip

    def forward(self, x, t):
        return self.net(torch.cat([x, self.time(t)], dim=-1))


class EMA:
    def __init__(self, model, decay=0.99):
        self.module = copy.deepcopy(model).eval()
        self.decay = decay
        for p in self.module.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for e, p in zip(self.module.parameters(), model.parameters()):
            e.mul_(self.decay).add_(p, alpha=1 - self.decay)


def q_sample(x0, t, noise):
    a = alphas_bar[t].unsqueeze(-1)
    return a.sqrt() * x0 + (1 - a).sqrt() * noise


@torch.no_grad()
def p_sample_loop(model, n):
    x = torch.randn(n, 2)
    for t in reversed(range(T)):
        eps = model(x, torch.full((n,), t))
        x = (x - betas[t] / (1 - alphas_bar[t]).sqrt() * eps) / alphas[t].sqrt()
        if t:
            x = x + betas[t].sqrt() * torch.randn_like(x)
    return x


points, _ = make_moons(4000, noise=0.06, random_state=25)
points = torch.tensor(points, dtype=torch.float32)
points = (points - points.mean(0)) / points.std(0)
points = points[torch.randperm(len(points))]
train, held_out = points[:3200], points[3200:]
loader = DataLoader(TensorDataset(train), batch_size=128, shuffle=True)
model = Denoiser()
ema = EMA(model)
opt = torch.optim.Adam(model.parameters(), lr=2e-3)

fixed_t = torch.randint(0, T, (len(held_out),))
fixed_noise = torch.randn_like(held_out)
for epoch in range(30):
    model.train()
    for (x0,) in loader:
        t = torch.randint(0, T, (len(x0),))
        noise = torch.randn_like(x0)
        loss = (model(q_sample(x0, t, noise), t) - noise).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        ema.update(model)
    if epoch % 6 == 5:
        with torch.no_grad():
            val = (ema.module(q_sample(held_out, fixed_t, fixed_noise), fixed_t) - fixed_noise).pow(2).mean()
        samples = p_sample_loop(ema.module, 500)
        gap = torch.cdist(samples, held_out).min(1).values.median()
        print(f"epoch {epoch}: loss {loss.item():.3f} ema val {val.item():.3f} sample-to-data distance {gap.item():.3f}")
