"""Face-like embeddings: pull the same identity together, push others apart."""

import random

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch.utils.data import DataLoader, Dataset

random.seed(41)
torch.manual_seed(41)

digits = load_digits()
order = torch.randperm(len(digits.target))
pixels = torch.tensor(digits.data / 16, dtype=torch.float32)[order]
identity = torch.tensor(digits.target)[order]
train_x, train_y, test_x, test_y = pixels[:1300], identity[:1300], pixels[1300:], identity[1300:]


class Triplets(Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y
        self.members = {c: (y == c).nonzero().flatten().tolist() for c in y.unique().tolist()}

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        c = self.y[i].item()
        pos = random.choice([j for j in self.members[c] if j != i])
        neg = random.choice(self.members[random.choice([k for k in self.members if k != c])])
        return self.x[i], self.x[pos], self.x[neg]


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 32))

    def forward(self, x):
        return self.net(x)


def triplet_loss(anchor, positive, negative, margin=0.5):
    d_ap = (anchor - positive).pow(2).sum(1)
    d_an = (anchor - negative).pow(2).sum(1)
    return (d_ap - d_an + margin).mean()


def knn(model):
    model.eval()
    with torch.no_grad():
        return KNeighborsClassifier(3).fit(model(train_x).numpy(), train_y).score(model(test_x).numpy(), test_y)


model = Embedder()
loader = DataLoader(Triplets(train_x, train_y), batch_size=50, shuffle=True)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
print(f"kNN accuracy before training {knn(model):.3f}")
for epoch in range(8):
    model.train()
    for anchor, positive, negative in loader:
        loss = triplet_loss(model(anchor), model(positive), model(negative))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    norm = torch.cat([p.grad.flatten() for p in model.parameters()]).norm()
    print(f"epoch {epoch}: loss {loss.item():.4g} gradient norm {norm.item():.3g} kNN accuracy {knn(model):.3f}")
