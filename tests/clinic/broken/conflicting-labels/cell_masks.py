"""Cell segmentation with a small U-Net; random flips on the fly."""
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

np.random.seed(12); torch.manual_seed(12)


def make_cell(size=32):
    img, mask = np.random.normal(.35, .08, (size, size)), np.zeros((size, size), dtype="int64")
    yy, xx = np.mgrid[:size, :size]
    for cls in (1, 2):
        cy, cx, r = np.random.randint(4, 28), np.random.randint(4, 28), np.random.randint(3, 8)
        m = (yy - cy) ** 2 + (xx - cx) ** 2 < r * r
        img[m] = (.65 if cls == 1 else .9) + np.random.normal(0, .06, m.sum())
        mask[m] = cls
    return img.astype("float32"), mask


def random_flip(a):
    if np.random.rand() < .5:
        a = a[:, ::-1]
    if np.random.rand() < .5:
        a = a[::-1]
    return np.ascontiguousarray(a)


class Cells(Dataset):
    def __init__(self, n, augment):
        self.items, self.augment = [make_cell() for _ in range(n)], augment

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        img, mask = self.items[i]
        if self.augment:
            img, mask = random_flip(img), random_flip(mask)
        return torch.from_numpy((img - .4) / .2)[None], torch.from_numpy(mask)


def double(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True),
                         nn.Conv2d(o, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self, classes=3, w=10):
        super().__init__()
        self.d1, self.d2, self.mid = double(1, w), double(w, 2 * w), double(2 * w, 4 * w)
        self.up2, self.u2 = nn.ConvTranspose2d(4 * w, 2 * w, 2, 2), double(4 * w, 2 * w)
        self.up1, self.u1 = nn.ConvTranspose2d(2 * w, w, 2, 2), double(2 * w, w)
        self.out = nn.Conv2d(w, classes, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        c = self.mid(F.max_pool2d(b, 2))
        x = self.u2(torch.cat([self.up2(c), b], 1))
        return self.out(self.u1(torch.cat([self.up1(x), a], 1)))


def dice(p, t, k):
    p, t = p == k, t == k
    return (2 * (p & t).sum() / (p.sum() + t.sum()).clamp(min=1)).item()


train_loader = DataLoader(Cells(240, True), batch_size=12, shuffle=True)
val_loader = DataLoader(Cells(48, False), batch_size=24)
net = UNet()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(4):
    net.train()
    for x, y in train_loader:
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        scores = [[dice(net(x).argmax(1), y, k) for k in (1, 2)] for x, y in val_loader]
    print(epoch, round(loss.item(), 4), np.mean(scores, 0))
