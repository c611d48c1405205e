"""Segmentation of blobs with a small U-Net and a binary mask metric."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def conv(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2 = conv(1, 12), conv(12, 24)
        self.middle = conv(24, 24)
        self.up1 = nn.ConvTranspose2d(24, 12, 2, 2)
        self.merge = conv(24, 12)
        self.last = nn.Conv2d(12, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.middle(self.down2(nn.functional.max_pool2d(a, 2)))
        return self.last(self.merge(torch.cat([a, self.up1(b)], 1)))


def scenes(n, seed):
    g = torch.Generator().manual_seed(seed)
    mask = torch.zeros(n, 1, 24, 24)
    for i in range(n):
        r, c = torch.randint(0, 14, (2,), generator=g).tolist()
        h, w = torch.randint(5, 10, (2,), generator=g).tolist()
        mask[i, 0, r : r + h, c : c + w] = 1
    return TensorDataset(0.8 * mask + 0.5 * torch.randn(mask.shape, generator=g), mask)


def dice(pred, truth):
    return (2 * (pred * truth).sum() / (pred.sum() + truth.sum()).clamp(min=1)).item()


def evaluate(net, loader):
    net.eval()
    scores = []
    with torch.no_grad():
        for x, y in loader:
            out = net(x)
            pred = (out.sigmoid() > 0.5).float()
            scores.append(dice(pred, y))
    return sum(scores) / len(scores)


def main():
    torch.manual_seed(0)
    train, valid = DataLoader(scenes(320, 0), 16, shuffle=True), DataLoader(scenes(64, 1), 32)
    net = UNet()
    criterion = nn.BCEWithLogitsLoss()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(4):
        net.train()
        for x, y in train:
            opt.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            opt.step()
        print(epoch, loss.item(), evaluate(net, valid))


if __name__ == "__main__":
    main()
