"""Workers, a random shift for training, plain images for validation, batch norm on raw pixels."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    def __init__(self, images, labels, augment):
        self.images, self.labels, self.augment = images.astype(np.float32), labels, augment

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i].copy()
        if self.augment:
            image = np.roll(image, np.random.randint(-1, 2, 2), (0, 1))
            image += np.random.normal(0, 0.5, image.shape).astype(np.float32)
        return torch.from_numpy(image)[None], int(self.labels[i])


def seed_worker(worker):
    np.random.seed(torch.initial_seed() % 2**32)


torch.manual_seed(24)
digits = load_digits()
train_loader = DataLoader(
    Digits(digits.images[:1500], digits.target[:1500], True), batch_size=50, shuffle=True, num_workers=2, worker_init_fn=seed_worker
)
valid_loader = DataLoader(Digits(digits.images[1500:], digits.target[1500:], False), batch_size=100)
model = nn.Sequential(
    nn.BatchNorm2d(1), nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 10)
)
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
