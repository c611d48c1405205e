import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class NoisySpectra(Dataset):
    """Spectra of two substances, with random noise from a generator of its own."""

    def __init__(self, count, noise):
        self.rng = np.random.default_rng(1)
        self.label = np.arange(count) % 2
        grid = np.linspace(0, 1, 40)
        shift = self.rng.normal(0, 0.03, count)[:, None]
        self.clean = np.exp(-(((grid - 0.4 - 0.15 * self.label[:, None] - shift) / 0.08) ** 2))
        self.noise = noise

    def __len__(self):
        return len(self.label)

    def __getitem__(self, i):
        spectrum = self.clean[i] + self.noise * self.rng.normal(size=40)
        return torch.tensor(spectrum, dtype=torch.float32), int(self.label[i])


torch.manual_seed(0)
train_loader = DataLoader(NoisySpectra(800, 0.3), batch_size=40, shuffle=True, num_workers=2)
model = nn.Sequential(nn.Linear(40, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(4):
    for spectrum, label in train_loader:
        loss = nn.functional.cross_entropy(model(spectrum), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
