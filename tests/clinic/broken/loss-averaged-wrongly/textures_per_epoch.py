"""Gradual, per-depth learning rates: lower layers move slower than the head."""

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


def textures(n, rng, size=14):
    """Five kinds of stripes and checks, each with a random phase, in noise."""
    yy, xx = np.mgrid[:size, :size]
    label = rng.integers(0, 5, n)
    out = np.empty((n, 1, size, size), dtype=np.float32)
    for i, kind in enumerate(label):
        p, q = rng.uniform(0, 2 * np.pi, 2)
        w = rng.uniform(1.2, 1.6)
        out[i, 0] = [
            np.sin(w * yy + p),
            np.sin(w * xx + p),
            np.sin(w * (xx + yy) / 1.4 + p),
            np.sin(w * (xx - yy) / 1.4 + p),
            np.sin(w * xx + p) * np.sin(w * yy + q) * 1.4,
        ][kind]
    out += rng.normal(0, 1.8, out.shape)
    return torch.from_numpy(out / out.std()), torch.from_numpy(label)


class ConvBlock(nn.Sequential):
    def __init__(self, cin, cout):
        super().__init__(nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU(inplace=True))


class TextureNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = ConvBlock(1, 12)
        self.layer1 = nn.Sequential(ConvBlock(12, 16), nn.MaxPool2d(2))
        self.layer2 = nn.Sequential(ConvBlock(16, 24), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(24, 5)

    def forward(self, x):
        return self.head(self.layer2(self.layer1(self.stem(x))).flatten(1))


def param_groups(model, base_lr, factor):
    stages = [model.stem, model.layer1, model.layer2, model.head]
    return [{"params": s.parameters(), "lr": base_lr * factor ** (len(stages) - 1 - i)} for i, s in enumerate(stages)]


def main():
    torch.manual_seed(14)
    rng = np.random.default_rng(14)
    x, y = textures(1500, rng)
    train_dl = DataLoader(TensorDataset(x[:1200], y[:1200]), 40, shuffle=True)
    val_dl = DataLoader(TensorDataset(x[1200:], y[1200:]), 150)
    model = TextureNet()
    optimizer = optim.SGD(param_groups(model, base_lr=0.05, factor=0.5), momentum=0.9, weight_decay=0.0)
    scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[3, 4], gamma=0.2)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(5):
        model.train()
        for xb, yb in train_dl:
            loss = criterion(model(xb), yb) / len(train_dl)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in val_dl)
        print(f"epoch {epoch}: loss {loss.item():.4f} val acc {right / 300:.3f} lrs {[g['lr'] for g in optimizer.param_groups]}")


if __name__ == "__main__":
    main()
