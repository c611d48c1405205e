import argparse
import math

import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

p = argparse.ArgumentParser()
p.add_argument("--micro_batch", default=16, type=int)
p.add_argument("--accum", default=4, type=int)
p.add_argument("--epochs", default=8, type=int)
opt = p.parse_args()

torch.manual_seed(2024)
X, Y = make_classification(
    n_samples=1400, n_features=24, n_informative=10, n_redundant=4, n_classes=4, class_sep=1.4, flip_y=0.03, random_state=6
)
full = TensorDataset(torch.tensor(X).float(), torch.tensor(Y))
train_ds, val_ds = random_split(full, [1100, 300])
stats = torch.stack([train_ds[i][0] for i in range(len(train_ds))])
mean, std = stats.mean(0), stats.std(0)
train_dl = DataLoader(train_ds, opt.micro_batch, shuffle=True)
val_dl = DataLoader(val_ds, 150)


class ResidualMLP(nn.Module):
    def __init__(self, d=24, h=64, classes=4):
        super().__init__()
        self.inp = nn.Linear(d, h)
        self.blocks = nn.ModuleList(nn.Sequential(nn.LayerNorm(h), nn.Linear(h, h), nn.SiLU(), nn.Linear(h, h)) for _ in range(2))
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(h, classes)

    def forward(self, x):
        x = self.inp((x - mean) / std)
        for block in self.blocks:
            x = x + self.drop(block(x))
        return self.out(x)


net = ResidualMLP()
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
criterion = nn.CrossEntropyLoss()
n_batches = len(train_dl)
updates = 0
for epoch in range(opt.epochs):
    net.train()
    optimizer.zero_grad()
    epoch_loss = 0.0
    for i, (xb, yb) in enumerate(train_dl):
        loss = criterion(net(xb), yb)
        loss.backward()
        epoch_loss += loss.item() * len(xb)
        if (i + 1) % opt.accum == 0 or i + 1 == n_batches:
            optimizer.step()
            optimizer.zero_grad()
            updates += 1
    net.eval()
    with torch.no_grad():
        hits = sum((net(xb).argmax(1) == yb).sum().item() for xb, yb in val_dl)
    print(f"epoch {epoch} updates {updates} train loss {epoch_loss / len(train_ds):.4f} val acc {hits / len(val_ds):.4f}")
assert updates == opt.epochs * math.ceil(n_batches / opt.accum)
