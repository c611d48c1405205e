"""GAN on a two-moons cloud."""
import torch
import torch.nn as nn
from sklearn.datasets import make_moons


def mlp(i, o):
    return nn.Sequential(nn.Linear(i, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, o))


class GAN:
    def __init__(self, zdim=4, lr=5e-4):
        self.zdim = zdim
        self.G, self.D = mlp(zdim, 2), mlp(2, 1)
        self.g_opt = torch.optim.Adam(self.G.parameters(), lr, betas=(0.5, 0.999))
        self.d_opt = torch.optim.Adam(self.D.parameters(), lr, betas=(0.5, 0.999))
        self.bce = nn.BCEWithLogitsLoss()

    def sample(self, n):
        return self.G(torch.randn(n, self.zdim))

    def step(self, real):
        n = len(real)
        one, zero = torch.ones(n, 1), torch.zeros(n, 1)
        fake = self.sample(n)
        self.d_opt.zero_grad()
        d_loss = self.bce(self.D(real), one) + self.bce(self.D(fake.detach()), zero)
        d_loss.backward()
        self.d_opt.step()
        self.g_opt.zero_grad()
        g_loss = self.bce(self.D(fake.detach()), one)
        g_loss.backward()
        self.g_opt.step()
        return d_loss.item(), g_loss.item()


def main():
    torch.manual_seed(2)
    pts, _ = make_moons(4000, noise=0.05, random_state=2)
    pts = torch.tensor(pts, dtype=torch.float32)
    pts = (pts - pts.mean(0)) / pts.std(0)
    gan = GAN()
    for it in range(800):
        d, g = gan.step(pts[torch.randint(len(pts), (128,))])
        if it % 100 == 0:
            with torch.no_grad():
                s = gan.sample(500)
            print(it, f"d {d:.3f} g {g:.3f}", s.mean(0).tolist(), s.std(0).tolist())


main()
