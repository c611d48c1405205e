import math
import torch
import torch.nn as nn
from sklearn.datasets import make_moons
from torch.utils.data import DataLoader, TensorDataset

T = 50
betas = torch.linspace(1e-4, 0.05, T)
alphas_bar = torch.cumprod(1 - betas, 0)


class Denoiser(nn.Module):
    def __init__(self, w=96):
        super().__init__()
        self.time = nn.Embedding(T, w)
        self.inp = nn.Linear(2, w)
        self.h1, self.h2, self.out = nn.Linear(w, w), nn.Linear(w, w), nn.Linear(w, 2)

    def forward(self, x, t):
        h = self.inp(x) + self.time(t)
        h = h + self.h1(torch.nn.functional.silu(h))
        h = h + self.h2(torch.nn.functional.silu(h))
        return self.out(torch.nn.functional.silu(h))


class EMA:
    def __init__(self, model, decay=0.99):
        self.decay = decay
        self.shadow = {k: v.detach().clone() for k, v in model.state_dict().items()}

    def update(self, model):
        for k, v in model.state_dict().items():
            self.shadow[k].lerp_(v, 1 - self.decay)


def q_sample(x0, t, noise):
    a = alphas_bar[t][:, None]
    return a.sqrt() * x0 + (1 - a).sqrt() * noise


def cycle(loader):
    while True:
        yield from loader


@torch.no_grad()
def sample(model, n):
    x = torch.randn(n, 2)
    for t in reversed(range(T)):
        tt = torch.full((n,), t)
        eps = model(x, tt)
        x = (x - betas[t] / (1 - alphas_bar[t]).sqrt() * eps) / (1 - betas[t]).sqrt()
        if t:
            x = x + betas[t].sqrt() * torch.randn_like(x)
    return x


def main():
    torch.manual_seed(0)
    pts = torch.tensor(make_moons(4096, noise=0.05, random_state=0)[0], dtype=torch.float32)
    pts = (pts - pts.mean(0)) / pts.std(0)
    loader = DataLoader(TensorDataset(pts), batch_size=128, shuffle=False, drop_last=True)
    model = Denoiser()
    ema = EMA(model)
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(2000):
        (x0,) = next(iter(loader))
        t = torch.randint(0, T, (len(x0),))
        noise = torch.randn_like(x0)
        loss = ((model(q_sample(x0, t, noise), t) - noise) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        ema.update(model)
        if step % 400 == 0:
            print(step, loss.item())
    model.load_state_dict(ema.shadow)
    s = sample(model, 500)
    print("nearest", torch.cdist(s, pts).min(1).values.mean().item())


if __name__ == "__main__":
    main()
