"""Contrastive learning on digits with a slow copy of the encoder inside the module."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

torch.manual_seed(6)
raw = load_digits()
images = torch.tensor(raw.images, dtype=torch.float32)[:, None] / 16


def encoder():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 32)
    )  # fmt: skip


def view(x):
    dy, dx = torch.randint(-1, 2, (2,)).tolist()
    return torch.roll(x, (dy, dx), (2, 3)) + 0.1 * torch.randn_like(x)


class MoCo(nn.Module):
    def __init__(self, size=500, momentum=0.99):
        super().__init__()
        self.query, self.key = encoder(), encoder()
        self.momentum = momentum
        for q, k in zip(self.query.parameters(), self.key.parameters()):
            k.data.copy_(q.data)
        self.register_buffer("queue", F.normalize(torch.randn(size, 32), dim=1))

    @torch.no_grad()
    def update(self, keys):
        for q, k in zip(self.query.parameters(), self.key.parameters()):
            k.data.mul_(self.momentum).add_(q.data, alpha=1 - self.momentum)
        self.queue.copy_(torch.cat([keys, self.queue])[: len(self.queue)])

    def forward(self, a, b):
        q = F.normalize(self.query(a), dim=1)
        with torch.no_grad():
            k = F.normalize(self.key(b), dim=1)
        logits = torch.cat([(q * k).sum(1, keepdim=True), q @ self.queue.clone().t()], dim=1) / 0.1
        return logits, k


model = MoCo()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(1, 401):
    x = images[torch.randint(0, 1400, (100,))]
    logits, keys = model(view(x), view(x))
    loss = F.cross_entropy(logits, torch.zeros(len(x), dtype=torch.long))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    model.update(keys)
    if step % 100 == 0:
        with torch.no_grad():
            features = F.normalize(model.query(images), dim=1).numpy()
        knn = KNeighborsClassifier(5).fit(features[:1400], raw.target[:1400])
        print(step, round(loss.item(), 3), "knn", round(knn.score(features[1400:], raw.target[1400:]), 3))
