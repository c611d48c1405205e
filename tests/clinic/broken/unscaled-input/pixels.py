import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Shapes(Dataset):
    """Bright bars or squares on a grey ground, as 8-bit pictures."""

    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        self.pictures = rng.integers(60, 120, (count, 16, 16)).astype(np.uint8)
        self.labels = rng.integers(0, 2, count)
        for picture, label in zip(self.pictures, self.labels):
            r, c = rng.integers(1, 8, 2)
            h, w = (12, 3) if label else (6, 6)
            picture[r : r + h, c : c + w] = 230

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return torch.tensor(self.pictures[i], dtype=torch.float32)[None], int(self.labels[i])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 8, 3), nn.Conv2d(8, 16, 3)
        self.fc = nn.Linear(16 * 5 * 5, 2)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        return self.fc(F.relu(self.conv2(x)).flatten(1))


torch.manual_seed(2)
train, valid = DataLoader(Shapes(1200, 0), 60, shuffle=True), DataLoader(Shapes(200, 1), 100)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9)
for epoch in range(6):
    for picture, label in train:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(picture), label)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((net(p).argmax(1) == t).sum().item() for p, t in valid)
    print(epoch, round(loss.item(), 4), right / 200)
