"""Digits, split by the writer's batch; one batch alone has the nines."""
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    def __init__(self, images, targets):
        self.images, self.targets = images, targets

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, i):
        return {"pixels": torch.tensor(self.images[i] / 16, dtype=torch.float32), "labels": int(self.targets[i])}


torch.manual_seed(0)
data = load_digits()
nines = data.target == 9
rest = np.flatnonzero(~nines)
train = Digits(data.data[rest[:1300]], data.target[rest[:1300]])
held = np.concatenate([rest[1300:], np.flatnonzero(nines)])
valid = Digits(data.data[held], data.target[held])
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
train_loader, valid_loader = DataLoader(train, 50, shuffle=True), DataLoader(valid, 100)
for epoch in range(6):
    for batch in train_loader:
        loss = F.cross_entropy(net(batch["pixels"]), batch["labels"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((net(b["pixels"]).argmax(1) == b["labels"]).sum().item() for b in valid_loader)
    print(epoch, loss.item(), right / len(valid))
