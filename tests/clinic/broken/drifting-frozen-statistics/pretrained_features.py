import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(37)
x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x, dtype=torch.float32).view(-1, 1, 8, 8) / 16, torch.tensor(y)


def backbone():
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.Conv2d(24, 48, 3, stride=2, padding=1),
        nn.BatchNorm2d(48), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
    )


class Frozen(nn.Module):
    def __init__(self, features, classes=5):
        super().__init__()
        self.features = features
        for p in self.features.parameters():
            p.requires_grad = False
        self.head = nn.Linear(192, classes)

    def train(self, mode=True):
        super().train(mode)
        return self

    def forward(self, x):
        return self.head(self.features(x))


features = backbone()
with torch.no_grad():
    for chunk in x[y < 5].split(100):  # statistics of the source domain
        features(chunk)
net = Frozen(features)
rows = y >= 5
images = 1 - x[rows]
loader = DataLoader(TensorDataset(images[:700], y[rows][:700] - 5), batch_size=32, shuffle=True)
test = DataLoader(TensorDataset(images[700:], y[rows][700:] - 5), batch_size=100)
optimizer = torch.optim.Adam(net.head.parameters(), lr=1e-2)
for epoch in range(5):
    net.train()
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(net(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        hits = sum((net(a).argmax(1) == b).sum().item() for a, b in test)
    print(epoch, loss.item(), hits / len(test.dataset))
