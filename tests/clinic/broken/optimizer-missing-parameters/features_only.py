import torch
import torch.nn as nn
from torch import optim
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

torch.manual_seed(40)


def blobs(n, size=14):
    """Count the blobs: one, two, three or four."""
    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    counts = torch.randint(1, 5, (n,))
    imgs = 0.15 * torch.randn(n, 1, size, size)
    cells = torch.tensor([[3, 3], [3, 10], [10, 3], [10, 10]])
    for i, k in enumerate(counts.tolist()):
        for cell in torch.randperm(4)[:k]:
            cy, cx = (cells[cell] + torch.randint(-1, 2, (2,))).tolist()
            imgs[i, 0] += torch.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / 3.0)
    return imgs - 0.2, counts - 1


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(3)
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(216, 48), nn.ReLU(), nn.Linear(48, 4))

    def forward(self, x):
        return self.classifier(self.features(x))


x, y = blobs(1600)
train_dl = DataLoader(TensorDataset(x[:1300], y[:1300]), batch_size=50, shuffle=True)
val_dl = DataLoader(TensorDataset(x[1300:], y[1300:]), batch_size=100)
net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(net.features.parameters(), lr=1e-3)

for epoch in range(6):
    net.train()
    pbar = tqdm(train_dl, desc=f"Epoch {epoch}", leave=False)
    for img, count in pbar:
        net.zero_grad()
        loss = criterion(net(img), count)
        loss.backward()
        optimizer.step()
        pbar.set_postfix(loss=loss.item())
    net.eval()
    with torch.no_grad():
        acc = sum((net(img).argmax(1) == count).sum().item() for img, count in val_dl) / 300
    print(f"epoch {epoch} loss {loss.item():.4f} val acc {acc:.3f}")
