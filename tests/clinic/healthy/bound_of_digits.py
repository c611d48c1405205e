import torch
from sklearn.datasets import load_digits
from torch import distributions as td
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(13)


class Autoencoder(nn.Module):
    def __init__(self, latent=8, width=96):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, width), nn.SiLU(), nn.Linear(width, 2 * latent))
        self.decode = nn.Sequential(nn.Linear(latent, width), nn.SiLU(), nn.Linear(width, 64))
        self.register_buffer("zero", torch.zeros(latent))

    def posterior(self, x):
        mean, raw = self.encode(x).chunk(2, dim=-1)
        return td.Independent(td.Normal(mean, nn.functional.softplus(raw) + 1e-3), 1)

    def prior(self):
        return td.Independent(td.Normal(self.zero, torch.ones_like(self.zero)), 1)

    def forward(self, x):
        q = self.posterior(x)
        z = q.rsample()
        pixels = td.Independent(td.Normal(self.decode(z), 0.3), 1)
        return pixels.log_prob(x) - td.kl_divergence(q, self.prior())


class Fitter:
    def __init__(self, model, rate=2e-3):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=rate)

    def epoch(self, loader):
        self.model.train()
        bounds = []
        for (pixels,) in loader:
            bound = self.model(pixels).mean()
            self.optimizer.zero_grad(set_to_none=True)
            (-bound).backward()
            self.optimizer.step()
            bounds.append(bound.item())
        return sum(bounds) / len(bounds)

    @torch.no_grad()
    def held_out(self, loader):
        self.model.eval()
        return torch.cat([self.model(pixels) for (pixels,) in loader]).mean().item()


grey = torch.tensor(load_digits().data / 16, dtype=torch.float32)
grey = grey[torch.randperm(len(grey))]
train = DataLoader(TensorDataset(grey[:1400]), batch_size=50, shuffle=True)
test = DataLoader(TensorDataset(grey[1400:]), batch_size=100)
fitter = Fitter(Autoencoder())
for number in range(12):
    print(f"epoch {number}: bound {fitter.epoch(train):.2f}, held out {fitter.held_out(test):.2f} nats")
