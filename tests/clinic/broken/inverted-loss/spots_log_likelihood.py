import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(17)


class Spots(Dataset):
    """Bright spots on a noisy background, with the mask of the spots."""

    def __init__(self, n, size=24, seed=0):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        self.images, self.masks = [], []
        for _ in range(n):
            centre = torch.randint(5, size - 5, (2, 2), generator=g)
            radius = torch.randint(2, 5, (2,), generator=g)
            mask = ((yy - centre[0, 0]) ** 2 + (xx - centre[0, 1]) ** 2 <= radius[0] ** 2) | (
                (yy - centre[1, 0]) ** 2 + (xx - centre[1, 1]) ** 2 <= radius[1] ** 2
            )
            self.images.append(mask * 0.9 + 0.5 * torch.randn(size, size, generator=g))
            self.masks.append(mask.long())

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i][None], self.masks[i]


class SegNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU())
        self.classifier = nn.Conv2d(width, 2, 1)

    def forward(self, x):
        return self.classifier(self.encoder(x))


class LogLikelihood(nn.Module):
    def forward(self, logits, mask):
        return -F.cross_entropy(logits, mask)


def iou(logits, mask):
    predicted = logits.argmax(1)
    return ((predicted & mask).sum() / (predicted | mask).sum().clamp(min=1)).item()


train_loader = DataLoader(Spots(240), batch_size=12, shuffle=True)
val_loader = DataLoader(Spots(48, seed=1), batch_size=48)
net = SegNet()
objective = LogLikelihood()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(3):
    net.train()
    running = 0.0
    for image, mask in train_loader:
        optimizer.zero_grad(set_to_none=True)
        loss = objective(net(image), mask)
        loss.backward()
        optimizer.step()
        running += loss.item()
    net.eval()
    with torch.no_grad():
        scores = [iou(net(image), mask) for image, mask in val_loader]
    print(f"epoch {epoch + 1}: objective {running / len(train_loader):.4f} IoU {sum(scores) / len(scores):.3f}")
