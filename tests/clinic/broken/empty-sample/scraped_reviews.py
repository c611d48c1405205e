import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(1)
torch.manual_seed(1)
GOOD = "great lovely warm bright fine clever funny moving rich fresh".split()
BAD = "dull slow cold flat weak silly grim empty stale loud".split()
PLAIN = "film plot actor scene score story camera ending night house street mother train letter".split()


def review(label):
    tone = GOOD if label else BAD
    words = [random.choice(tone) if random.random() < 0.35 else random.choice(PLAIN) for _ in range(random.randint(8, 20))]
    return " ".join(words)


reviews = [(review(i % 2), i % 2) for i in range(1200)]
reviews += [("", 0)] * 3 + [("   ", 1)] * 2
random.shuffle(reviews)
vocab = {word: i + 1 for i, word in enumerate(sorted({w for text, _ in reviews for w in text.split()}))}


class Reviews(Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        text, label = self.rows[i]
        return text, label


def collate(batch):
    ids = torch.zeros(len(batch), 20, dtype=torch.long)
    for row, (text, _) in enumerate(batch):
        words = [vocab[w] for w in text.split()]
        ids[row, : len(words)] = torch.tensor(words, dtype=torch.long)
    return ids, torch.tensor([label for _, label in batch])


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(vocab) + 1, 24, padding_idx=0)
        self.head = nn.Linear(24, 2)

    def forward(self, ids):
        length = (ids > 0).sum(1, keepdim=True).clamp(min=1)
        return self.head(self.embedding(ids).sum(1) / length)


train_loader = DataLoader(Reviews(reviews[:1000]), batch_size=40, shuffle=True, collate_fn=collate)
valid_loader = DataLoader(Reviews(reviews[1000:]), batch_size=100, collate_fn=collate)
model = Bag()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
criterion = nn.CrossEntropyLoss()

for epoch in range(8):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in valid_loader)
    print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {hits / len(valid_loader.dataset):.3f}")
