import numpy as np
import torch
from sklearn.datasets import load_sample_images
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Patches(Dataset):
    """Patches of a temple and of a flower."""

    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        self.photos = load_sample_images().images
        self.items = [(int(rng.integers(2)), *rng.integers(0, 400, 2)) for _ in range(count)]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        which, r, c = self.items[i]
        patch = self.photos[which][r : r + 20, c : c + 20].astype(np.float32) / 255 - 0.45
        return torch.from_numpy(patch).view(3, 20, 20), which


torch.manual_seed(1)
train_loader = DataLoader(Patches(800, 0), batch_size=40, shuffle=True)
model = nn.Sequential(nn.Conv2d(3, 12, 5, stride=2), nn.ReLU(), nn.Conv2d(12, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(4):
    for patch, which in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(patch), which)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
