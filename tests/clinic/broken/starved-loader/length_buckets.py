import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(4)
torch.manual_seed(4)
GOOD = "great lovely warm bright fine clever funny moving rich fresh".split()
BAD = "dull slow cold flat weak silly grim empty stale loud".split()
PLAIN = "film plot actor scene score story camera ending night house street mother train letter".split()


def review(label):
    tone = GOOD if label else BAD
    words = [random.choice(tone) if random.random() < 0.35 else random.choice(PLAIN) for _ in range(random.randint(8, 20))]
    return " ".join(words)


rows = [(review(i % 2), i % 2) for i in range(1200)]
vocab = {word: i + 1 for i, word in enumerate(sorted({w for text, _ in rows for w in text.split()}))}
encoded = [(torch.tensor([vocab[w] for w in text.split()]), label) for text, label in rows]


class BucketSampler:
    """Batches of texts of one length; what does not fill a batch is left over."""

    def __init__(self, data, batch_size):
        self.buckets = {}
        for i, (ids, _) in enumerate(data):
            self.buckets.setdefault(len(ids), []).append(i)
        self.batch_size = batch_size

    def __iter__(self):
        for bucket in self.buckets.values():
            for start in range(0, len(bucket) - self.batch_size + 1, self.batch_size):
                yield bucket[start : start + self.batch_size]

    def __len__(self):
        return sum(len(bucket) // self.batch_size for bucket in self.buckets.values())


def stack(batch):
    return torch.stack([ids for ids, _ in batch]), torch.tensor([label for _, label in batch])


class Tone(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(vocab) + 1, 16)
        self.head = nn.Linear(16, 2)

    def forward(self, ids):
        return self.head(self.embedding(ids).mean(1))


train = encoded[:1000]
train_loader = DataLoader(train, batch_sampler=BucketSampler(train, 48), collate_fn=stack)
valid_loader = DataLoader(encoded[1000:], batch_size=1, collate_fn=stack)
model = Tone()
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
