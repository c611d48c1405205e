"""Which instruments sound in a mixed clip: several may, so each has its own probability."""

from dataclasses import dataclass

import torch
import torch.nn as nn
from sklearn.metrics import f1_score
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Hyper:
    lr: float = 2e-3
    batch: int = 40
    epochs: int = 8
    seed: int = 30


def mixtures(n, g, bins=40, instruments=5):
    centres = torch.tensor([[4, 8, 12], [6, 18, 30], [10, 20, 35], [14, 16, 28], [22, 26, 38]])
    active = (torch.rand(n, instruments, generator=g) < 0.4).float()
    freq = torch.arange(bins).float()
    spectrum = torch.zeros(n, bins)
    for k in range(instruments):
        for c in centres[k]:
            shift = 0.7 * torch.randn(n, 1, generator=g)
            gain = active[:, k : k + 1] * (0.5 + torch.rand(n, 1, generator=g))
            spectrum += gain * torch.exp(-((freq - c - shift) ** 2) / 3)
    spectrum += 0.25 * torch.randn(n, bins, generator=g)
    return spectrum, active


class TaggingNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten())
        self.head = nn.Sequential(nn.Linear(320, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 5), nn.Sigmoid())

    def forward(self, spectrum):
        return self.head(self.conv(spectrum.unsqueeze(1)))


def main(hp=Hyper()):
    torch.manual_seed(hp.seed)
    x, y = mixtures(1700, torch.Generator().manual_seed(hp.seed))
    x = (x - x[:1400].mean()) / x[:1400].std()
    train = DataLoader(TensorDataset(x[:1400], y[:1400]), hp.batch, shuffle=True)
    val = DataLoader(TensorDataset(x[1400:], y[1400:]), 150)
    model, criterion = TaggingNet(), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), hp.lr)
    for epoch in range(hp.epochs):
        model.train()
        for xb, yb in train:
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            pred = torch.cat([(model(xb) > 0.5).int() for xb, _ in val])
        print(f"epoch {epoch} loss {loss.item():.4f} macro F1 {f1_score(y[1400:].int(), pred, average='macro', zero_division=0):.4f}")


if __name__ == "__main__":
    main()
