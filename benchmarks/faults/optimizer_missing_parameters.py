"""A text-like classifier with an embedding, an encoder and a head."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(60, 24)
        self.encoder = nn.GRU(24, 24, batch_first=True)
        self.classifier = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, ids):
        return self.classifier(self.encoder(self.embed(ids))[1][-1])


torch.manual_seed(11)
ids = torch.randint(0, 60, (2000, 10))
label = ids[:, -1] // 15
train = DataLoader(TensorDataset(ids[:1600], label[:1600]), batch_size=40, shuffle=True)
model = Encoder()
optimizer = torch.optim.Adam(model.embed.parameters(), lr=3e-4)
for epoch in range(10):
    for tokens, y in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(tokens), y)
        loss.backward()
        optimizer.step()
with torch.no_grad():
    print("score", (model(ids[1600:]).argmax(1) == label[1600:]).float().mean().item())
