"""Speed sign classification (synthetic), validation every few iterations."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class AverageMeter:
    def __init__(self):
        self.sum = self.count = 0

    def update(self, val, n=1):
        self.sum += val * n
        self.count += n

    @property
    def avg(self):
        return self.sum / self.count


def signs(n, size=16):
    """Digit-like bars inside a ring: six kinds."""
    yy, xx = torch.meshgrid(torch.arange(size) - 7.5, torch.arange(size) - 7.5, indexing="ij")
    ring = (((xx**2 + yy**2).sqrt() - 6.5).abs() < 0.8).float()
    strokes = [
        (xx.abs() < 1) & (yy.abs() < 4), (yy.abs() < 1) & (xx.abs() < 4), ((xx - yy).abs() < 1.2) & (xx.abs() < 3.5),
        ((xx + yy).abs() < 1.2) & (xx.abs() < 3.5), (xx.abs() < 3) & (yy.abs() < 3) & ((xx.abs() > 2) | (yy.abs() > 2)),
        (xx**2 + yy**2).sqrt() < 3,
    ]  # fmt: skip
    y = torch.randint(6, (n,))
    base = torch.stack([ring + s.float() for s in strokes])[y]
    for i in range(n):
        base[i] = torch.roll(base[i], torch.randint(-2, 3, (2,)).tolist(), dims=(0, 1))
    x = base * (0.4 + torch.rand(n, 1, 1)) + 0.35 * torch.randn(n, size, size)
    return (x - x.mean()).unsqueeze(1) / x.std(), y


class SignNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.conv2, self.bn2 = nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.dropout = nn.Dropout(0.3)
        self.fc1, self.fc2 = nn.Linear(32 * 16, 64), nn.Linear(64, 6)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.fc2(self.dropout(F.relu(self.fc1(x.flatten(1)))))


def validate(model, loader):
    model.eval()
    top1 = AverageMeter()
    with torch.no_grad():
        for x, y in loader:
            top1.update((model(x).argmax(1) == y).float().mean().item(), len(y))
    return top1.avg


def main():
    torch.manual_seed(57)
    x, y = signs(1500)
    train_loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=48, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[1200:], y[1200:]), batch_size=150)
    model = SignNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    losses, it = AverageMeter(), 0
    model.train()
    for epoch in range(6):
        for x, y in train_loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.update(loss.item(), len(y))
            it += 1
            if it % 10 == 0:
                acc = validate(model, val_loader)
                print(f"iter {it}: loss {losses.avg:.4f} val acc {acc:.4f}")
                losses = AverageMeter()


if __name__ == "__main__":
    main()
