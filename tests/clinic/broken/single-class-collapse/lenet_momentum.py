from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split


@dataclass
class Config:
    batch_size: int = 32
    epochs: int = 6
    lr: float = 2.0
    momentum: float = 0.9


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.fc1 = nn.Linear(24 * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def evaluate(net, loader):
    net.eval()
    hits, counts = 0, torch.zeros(10)
    with torch.no_grad():
        for x, y in loader:
            p = net(x).argmax(1)
            hits += (p == y).sum().item()
            counts += torch.bincount(p, minlength=10)
    return hits / len(loader.dataset), counts


cfg = Config()
torch.manual_seed(11)
digits = load_digits()
data = TensorDataset(
    torch.tensor(digits.images / 16.0).float().unsqueeze(1), torch.tensor(digits.target)
)
train_set, val_set = random_split(data, [1440, 357])
train_loader = DataLoader(train_set, cfg.batch_size, shuffle=True)
val_loader = DataLoader(val_set, 128)
net = LeNet()
optimizer = torch.optim.SGD(net.parameters(), lr=cfg.lr, momentum=cfg.momentum)
for epoch in range(cfg.epochs):
    net.train()
    running = 0.0
    for x, y in train_loader:
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item()
    acc, counts = evaluate(net, val_loader)
    print(
        f"epoch {epoch} loss {running / len(train_loader):.3f} acc {acc:.3f} predicted {counts.int().tolist()}"
    )
