import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset


class DigitFolders(Dataset):
    """Pictures as a walk over folders 0 to 9 finds them."""

    def __init__(self):
        digits = load_digits()
        order = np.argsort(digits.target, kind="stable")
        self.images = (digits.images[order] / 16).astype(np.float32)
        self.targets = digits.target[order]

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, i):
        return torch.from_numpy(self.images[i])[None], int(self.targets[i])


torch.manual_seed(0)
data = DigitFolders()
held_out = np.random.default_rng(0).permutation(len(data))[:300]
rest = np.setdiff1d(np.arange(len(data)), held_out)
train_loader = DataLoader(Subset(data, rest), batch_size=32)
valid_loader = DataLoader(Subset(data, held_out), batch_size=100)
model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(8):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in valid_loader)
    print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {hits / len(valid_loader.dataset):.3f}")
