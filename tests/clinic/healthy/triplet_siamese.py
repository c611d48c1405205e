import random

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(17)
np.random.seed(17)
torch.manual_seed(17)

data = load_digits()
images = torch.tensor(data.images / 16.0, dtype=torch.float32).unsqueeze(1)
labels = data.target
order = np.random.permutation(len(labels))
train_ids, gallery_ids, query_ids = order[:1200], order[1200:1500], order[1500:]


class TripletDigits(Dataset):
    def __init__(self, ids):
        self.ids = ids
        self.by_class = {c: [i for i in ids if labels[i] == c] for c in range(10)}

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, k):
        anchor = self.ids[k]
        positive = anchor
        while positive == anchor:
            positive = random.choice(self.by_class[labels[anchor]])
        other = random.choice([c for c in range(10) if c != labels[anchor]])
        negative = random.choice(self.by_class[other])
        return images[anchor], images[positive], images[negative]


class EmbeddingNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.convnet = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.PReLU(), nn.MaxPool2d(2), nn.Conv2d(24, 32, 3, padding=1), nn.PReLU(), nn.Flatten()
        )
        self.fc = nn.Sequential(nn.Linear(32 * 16, 64), nn.PReLU(), nn.Linear(64, 16))

    def forward(self, x):
        return self.fc(self.convnet(x))


class TripletNet(nn.Module):
    def __init__(self, embedding_net):
        super().__init__()
        self.embedding_net = embedding_net

    def forward(self, x1, x2, x3):
        return self.embedding_net(x1), self.embedding_net(x2), self.embedding_net(x3)

    def get_embedding(self, x):
        return self.embedding_net(x)


def retrieval(model):
    model.eval()
    with torch.no_grad():
        gallery, query = model.get_embedding(images[gallery_ids]), model.get_embedding(images[query_ids])
    nearest = torch.cdist(query, gallery).argmin(1).numpy()
    return (labels[gallery_ids][nearest] == labels[query_ids]).mean()


model = TripletNet(EmbeddingNet())
loss_fn = nn.TripletMarginLoss(margin=1.0)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loader = DataLoader(TripletDigits(train_ids), batch_size=50, shuffle=True)
for epoch in range(8):
    model.train()
    total_loss, active = 0.0, 0
    for batch_idx, (anchor, positive, negative) in enumerate(loader):
        optimizer.zero_grad()
        ea, ep, en = model(anchor, positive, negative)
        loss = loss_fn(ea, ep, en)
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(anchor)
        active += ((ea - ep).norm(dim=1) - (ea - en).norm(dim=1) + 1 > 0).sum().item()
    print(f"Epoch {epoch}: triplet loss {total_loss / 1200:.4f}, active triplets {active}, recall@1 {retrieval(model):.3f}")
