"""The next item of every user: training leaves the last two out, validation asks for the last but one."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(0)
torch.manual_seed(0)
ITEMS, LENGTH = 50, 12
users = []
for _ in range(600):
    seen = [random.randrange(1, ITEMS)]
    while len(seen) < 15:
        seen.append((seen[-1] * 3 + random.choice([1, 2])) % (ITEMS - 1) + 1)
    users.append(seen)


class Histories(Dataset):
    def __init__(self, sequences, back):
        self.sequences, self.back = sequences, back

    def __len__(self):
        return len(self.sequences)

    def __getitem__(self, i):
        seen = self.sequences[i]
        end = len(seen) - self.back
        return torch.tensor(seen[max(0, end - LENGTH) : end]), torch.tensor(seen[end])


class Recommender(nn.Module):
    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(ITEMS, 32, padding_idx=0)
        self.gru = nn.GRU(32, 32, batch_first=True)
        self.scores = nn.Linear(32, ITEMS)

    def forward(self, ids):
        return self.scores(self.gru(self.items(ids))[0][:, -1])


model = Recommender()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
train_loader = DataLoader(Histories(users, 3), batch_size=32, shuffle=True)
valid_loader = DataLoader(Histories(users, 2), batch_size=128)
for epoch in range(4):
    model.train()
    for ids, following in train_loader:
        loss = nn.functional.cross_entropy(model(ids), following)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(a).argmax(1) == b).sum().item() for a, b in valid_loader)
    print(epoch, loss.item(), right / len(users))
