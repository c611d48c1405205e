import logging

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader, Dataset, random_split

logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")


class CellImages(Dataset):
    """Bright cells on an uneven background; the mask marks the cells."""

    def __init__(self, n, size=24, seed=0):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        self.images, self.masks = [], []
        for _ in range(n):
            mask = torch.zeros(size, size, dtype=torch.bool)
            for _ in range(int(torch.randint(2, 5, (1,), generator=g))):
                cy, cx = (torch.rand(2, generator=g) * size).tolist()
                ry, rx = (torch.rand(2, generator=g) * 3 + 2.5).tolist()
                mask |= ((yy - cy) / ry) ** 2 + ((xx - cx) / rx) ** 2 < 1
            slope = torch.randn(2, generator=g) * 0.03
            image = mask * 0.9 + slope[0] * (yy - size / 2) + slope[1] * (xx - size / 2)
            self.images.append((image + 0.35 * torch.randn(size, size, generator=g) - 0.25).unsqueeze(0))
            self.masks.append(mask.float().unsqueeze(0))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return {"image": self.images[i], "mask": self.masks[i]}


class DoubleConv(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True),
            nn.Conv2d(cout, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True),
        )  # fmt: skip

    def forward(self, x):
        return self.double_conv(x)


class UNet(nn.Module):
    def __init__(self, base=8):
        super().__init__()
        self.inc = DoubleConv(1, base)
        self.down1 = DoubleConv(base, 2 * base)
        self.down2 = DoubleConv(2 * base, 4 * base)
        self.up1 = nn.ConvTranspose2d(4 * base, 2 * base, 2, stride=2)
        self.conv1 = DoubleConv(4 * base, 2 * base)
        self.up2 = nn.ConvTranspose2d(2 * base, base, 2, stride=2)
        self.conv2 = DoubleConv(2 * base, base)
        self.outc = nn.Conv2d(base, 1, 1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(F.max_pool2d(x1, 2))
        x3 = self.down2(F.max_pool2d(x2, 2))
        x = self.conv1(torch.cat([x2, self.up1(x3)], dim=1))
        x = self.conv2(torch.cat([x1, self.up2(x)], dim=1))
        return self.outc(x)


def dice_loss(probs, target, smooth=1.0):
    inter = (probs * target).sum(dim=(1, 2, 3))
    return (1 - (2 * inter + smooth) / (probs.sum(dim=(1, 2, 3)) + target.sum(dim=(1, 2, 3)) + smooth)).mean()


@torch.inference_mode()
def evaluate(net, dataloader):
    net.eval()
    inter = union = 0.0
    for batch in dataloader:
        pred = (net(batch["image"]) > 0).float()
        inter += (pred * batch["mask"]).sum().item()
        union += (pred + batch["mask"]).clamp(max=1).sum().item()
    net.train()
    return inter / union


def train_net(net, epochs=4, batch_size=8, accumulate=4, learning_rate=2e-2):
    dataset = CellImages(480)
    train_set, val_set = random_split(dataset, [400, 80], generator=torch.Generator().manual_seed(0))
    train_loader = DataLoader(train_set, shuffle=True, batch_size=batch_size)
    val_loader = DataLoader(val_set, shuffle=False, batch_size=batch_size)
    optimizer = optim.SGD(net.parameters(), lr=learning_rate, momentum=0.9)
    criterion = nn.BCEWithLogitsLoss()
    logging.info(f"starting training: {len(train_set)} images, {len(val_set)} for validation")
    global_step = 0
    for epoch in range(epochs):
        net.train()
        epoch_loss = 0
        for i, batch in enumerate(train_loader, start=1):
            masks_pred = net(batch["image"])
            loss = criterion(masks_pred, batch["mask"]) + dice_loss(torch.sigmoid(masks_pred), batch["mask"])
            loss.backward()
            if i % accumulate == 0:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            global_step += 1
            epoch_loss += loss.item() * len(batch["image"])
        print(f"epoch {epoch + 1}: loss {epoch_loss / len(train_set):.4f}, validation IoU {evaluate(net, val_loader):.4f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    train_net(UNet())
