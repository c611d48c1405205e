import numpy as np, torch
from torch import nn
from sklearn.datasets import load_digits


class Exp:
    def __init__(self):
        d = load_digits()
        self.x = d.images.reshape(-1, 1, 8, 8) / 16.0
        self.y = d.target
        rng = np.random.default_rng(1)
        self.train_idx = rng.choice(len(self.y), 1400, replace=False)
        self.val_idx = rng.choice(len(self.y), 350, replace=False)
        torch.manual_seed(1)
        self.net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 10))
        self.opt = torch.optim.SGD(self.net.parameters(), lr=0.1)

    def batch(self, idx):
        return torch.tensor(self.x[idx], dtype=torch.float32), torch.tensor(self.y[idx])

    def run(self):
        for step in range(300):
            xb, yb = self.batch(np.random.choice(self.train_idx, 64))
            loss = nn.functional.cross_entropy(self.net(xb), yb)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            if step % 10 == 9:
                with torch.no_grad():
                    xv, yv = self.batch(self.val_idx)
                    print(step, loss.item(), (self.net(xv).argmax(1) == yv).float().mean().item())


np.random.seed(0)
Exp().run()
