import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(6)
torch.manual_seed(6)
GOOD = "great lovely warm bright fine clever funny moving rich fresh".split()
BAD = "dull slow cold flat weak silly grim empty stale loud".split()
PLAIN = "film plot actor scene score story camera ending night house street mother train letter".split()


def review(label):
    tone = GOOD if label else BAD
    words = [random.choice(tone) if random.random() < 0.35 else random.choice(PLAIN) for _ in range(random.randint(8, 20))]
    return " ".join(words)

rows = [(review(i % 2), i % 2) for i in range(1000)]
stoi = {}
for text, _ in rows:
    for word in text.split():
        stoi.setdefault(word, len(stoi))
itos = sorted(stoi)


def collate(batch):
    counts = torch.zeros(len(batch), len(stoi))
    for row, (text, _) in enumerate(batch):
        for word in text.split():
            counts[row, stoi[word]] += 1
    return counts, torch.tensor([label for _, label in batch])


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.Linear(len(stoi), 2)

    def forward(self, counts):
        return self.weights(counts)


model = Linear()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(4):
    for counts, label in DataLoader(rows, batch_size=50, shuffle=True, collate_fn=collate):
        loss = nn.functional.cross_entropy(model(counts), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    best = model.weights.weight[1].topk(3).indices
    print(epoch, loss.item(), "most positive:", [itos[i] for i in best])
