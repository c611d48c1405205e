"""Topic of short word lists; words are left out at random in training."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

TOPICS = [
    "goal ball team match player score".split(),
    "stock market bank price trade fund".split(),
    "film actor scene stage music play".split(),
]
OTHER = "the a of in on with and is was day year new said more one".split()
INDEX = {w: i + 1 for i, w in enumerate(sum(TOPICS, OTHER))}


class Notes(Dataset):
    def __init__(self, count):
        self.rows = []
        for i in range(count):
            topic = i % 3
            words = random.sample(TOPICS[topic], 3) + random.sample(OTHER, 9)
            random.shuffle(words)
            self.rows.append((words, topic))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        words, topic = self.rows[i]
        if len(words) > 4 and random.random() < 0.5:
            words.pop(random.randrange(len(words)))
        ids = [INDEX[w] for w in words] + [0] * (12 - len(words))
        return torch.tensor(ids), topic


random.seed(1)
torch.manual_seed(1)
loader = DataLoader(Notes(540), batch_size=27, shuffle=True)
model = nn.Sequential(nn.EmbeddingBag(len(INDEX) + 1, 24, padding_idx=0), nn.Linear(24, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(12):
    for ids, topic in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(ids), topic)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
