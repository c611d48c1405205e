"""One dataset object with a split switch (NeRF-like code style)."""
import numpy as np, torch, torch.nn as nn
from sklearn.datasets import load_diabetes, make_friedman1
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(3)


class Friedman(Dataset):
    def __init__(self):
        x, y = make_friedman1(1200, n_features=10, noise=.5, random_state=3)
        y = (y - y[:900].mean()) / y[:900].std()
        x = (x - .5) * 3.4
        self.parts = {"train": (x[:900], y[:900]), "val": (x[900:], y[900:])}
        self.split = "train"

    def set_split(self, split):
        self.split = split
        return self

    def __len__(self):
        return len(self.parts[self.split][1])

    def __getitem__(self, i):
        x, y = self.parts[self.split]
        return torch.tensor(x[i], dtype=torch.float32), torch.tensor([y[i]], dtype=torch.float32)


class System:
    def __init__(self):
        self.dataset = Friedman()
        self.net = nn.Sequential(nn.Linear(10, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 1))
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=2e-3)

    def train_epoch(self):
        self.net.train()
        self.dataset.set_split("train")
        for x, y in DataLoader(self.dataset, batch_size=50, shuffle=True):
            loss = nn.functional.mse_loss(self.net(x), y)
            self.opt.zero_grad(); loss.backward(); self.opt.step()
        return loss.item()

    def validate(self):
        self.net.eval()
        self.dataset.set_split("val")
        with torch.no_grad():
            return np.mean([nn.functional.mse_loss(self.net(x), y).item() for x, y in DataLoader(self.dataset, batch_size=100)])


s = System()
for e in range(12):
    print(e, s.train_epoch(), s.validate())
