import random

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info


def make_log_lines(n, seed):
    rng = random.Random(seed)
    hosts = [f"host{i}" for i in range(8)]
    verbs = {0: ["timeout", "refused", "dropped", "reset"], 1: ["started", "joined", "synced", "ready"], 2: ["slow", "retry", "throttled", "lag"]}
    nouns = "socket disk worker queue shard cache leader replica".split()
    lines = {}
    while len(lines) < n:
        level = rng.randrange(3)
        signal = [rng.choice(verbs[level if rng.random() < 0.9 else rng.randrange(3)]) for _ in range(2)]
        words = [rng.choice(hosts), *signal, *rng.choices(nouns, k=rng.randint(2, 5))]
        rng.shuffle(words)
        lines.setdefault(" ".join(words), level)
    return list(lines.items())


class LogStream(IterableDataset):
    """Streams lines through a shuffle buffer; every pass has its own order and every worker its own share."""

    def __init__(self, lines, vocab, buffer_size=0, seed=0):
        self.lines, self.vocab, self.buffer_size, self.seed = lines, vocab, buffer_size, seed
        self.epoch = 0

    def encode(self, text, label):
        return torch.tensor([self.vocab[w] for w in text.split() if w in self.vocab]), label

    def __iter__(self):
        info = get_worker_info()
        share = self.lines[info.id :: info.num_workers] if info else self.lines
        if not self.buffer_size:
            yield from (self.encode(*row) for row in share)
            return
        rng = random.Random(f"{self.seed}-{self.epoch}")
        self.epoch += 1
        buffer = []
        for row in share:
            buffer.append(row)
            if len(buffer) >= self.buffer_size:
                yield self.encode(*buffer.pop(rng.randrange(len(buffer))))
        rng.shuffle(buffer)
        yield from (self.encode(*row) for row in buffer)


def bag(batch):
    flat = torch.cat([ids for ids, _ in batch])
    offsets = torch.tensor([0, *[len(ids) for ids, _ in batch]][:-1]).cumsum(0)
    return flat, offsets, torch.tensor([label for _, label in batch])


class BagClassifier(nn.Module):
    def __init__(self, vocab_size, dim=32):
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocab_size, dim, mode="mean")
        self.mlp = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, 3))

    def forward(self, flat, offsets):
        return self.mlp(self.embedding(flat, offsets))


torch.manual_seed(12)
lines = make_log_lines(2000, seed=12)
train_lines, dev_lines = lines[:1600], lines[1600:]
vocab = {w: i for i, w in enumerate(sorted({w for text, _ in train_lines for w in text.split()}))}
train_loader = DataLoader(LogStream(train_lines, vocab, buffer_size=300, seed=12), batch_size=32, collate_fn=bag)
dev_loader = DataLoader(LogStream(dev_lines, vocab), batch_size=100, collate_fn=bag)
model = BagClassifier(len(vocab))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(4):
    model.train()
    for step, (flat, offsets, level) in enumerate(train_loader):
        optimizer.zero_grad()
        loss = loss_fn(model(flat, offsets), level)
        loss.backward()
        optimizer.step()
        if step % 25 == 0:
            print(f"epoch {epoch} step {step} loss {loss.item():.4f}")
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for flat, offsets, level in dev_loader:
            correct += (model(flat, offsets).argmax(1) == level).sum().item()
            total += len(level)
    print(f"epoch {epoch} dev accuracy {correct / total:.3f} of {total} lines")
