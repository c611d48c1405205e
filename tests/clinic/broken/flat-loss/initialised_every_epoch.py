"""Plankton-like contour classification; weights are initialised by a helper called from the epoch function."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Contours(Dataset):
    def __init__(self, n, seed, points=32):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, 5, n)
        theta = np.linspace(0, 2 * np.pi, points, endpoint=False)
        lobes = np.array([2, 3, 4, 5, 6])[self.labels][:, None]
        phase = rng.uniform(0, 2 * np.pi, (n, 1))
        radius = 1 + 0.3 * np.cos(lobes * theta + phase) + 0.22 * rng.normal(size=(n, points))
        self.x = torch.tensor((radius - 1) / 0.3, dtype=torch.float32).unsqueeze(1)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.x[i], int(self.labels[i])


class ContourNet(nn.Module):
    def __init__(self, ch=24):
        super().__init__()
        self.conv1 = nn.Conv1d(1, ch, 9, padding=4, padding_mode="circular")
        self.conv2 = nn.Conv1d(ch, ch, 9, padding=4, padding_mode="circular")
        self.fc = nn.Linear(ch, 5)

    def forward(self, x):
        return self.fc(F.relu(self.conv2(F.relu(self.conv1(x)))).amax(-1))


def init_weights(m):
    if isinstance(m, (nn.Conv1d, nn.Linear)):
        nn.init.xavier_uniform_(m.weight)
        nn.init.zeros_(m.bias)


def train_one_epoch(model, loader, optimizer, criterion):
    model.apply(init_weights)
    model.train()
    losses = []
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.mean(losses)


def evaluate(model, loader):
    model.eval()
    with torch.no_grad():
        return sum((model(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


def main():
    torch.manual_seed(71)
    train_loader = DataLoader(Contours(600, 1), batch_size=100, shuffle=True)
    val_loader = DataLoader(Contours(300, 2), batch_size=300)
    model = ContourNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(60):
        loss = train_one_epoch(model, train_loader, optimizer, criterion)
        if epoch % 6 == 5:
            print(f"epoch {epoch + 1}: loss {loss:.4f} val accuracy {evaluate(model, val_loader):.4f}")


if __name__ == "__main__":
    main()
