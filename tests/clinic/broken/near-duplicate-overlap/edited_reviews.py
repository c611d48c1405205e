import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(9)
torch.manual_seed(9)
GOOD = "great lovely warm bright fine clever funny moving rich fresh".split()
BAD = "dull slow cold flat weak silly grim empty stale loud".split()
PLAIN = "film plot actor scene score story camera ending night house street mother train letter".split()


def review(label):
    tone = GOOD if label else BAD
    words = [random.choice(tone) if random.random() < 0.35 else random.choice(PLAIN) for _ in range(random.randint(8, 20))]
    return " ".join(words)


PLAIN += [f"{a}{b}" for a in ("ra", "mo", "tel", "gri", "su", "ven") for b in ("dor", "lin", "mas", "kel", "ton", "vey", "rix", "zo")]


def long_review(label):
    return " ".join(review(label) for _ in range(3))


def edited(text):
    words = text.split()
    words[random.randrange(len(words))] = random.choice(PLAIN)
    return " ".join(words) + " indeed"


train = [(long_review(i % 2), i % 2) for i in range(900)]
valid = [(long_review(i % 2), i % 2) for i in range(180)] + [(edited(text), label) for text, label in train[:40]]
vocab = {word: i for i, word in enumerate(sorted({*GOOD, *BAD, *PLAIN, "indeed"}))}


def collate(batch):
    counts = torch.zeros(len(batch), len(vocab))
    for row, (text, _) in enumerate(batch):
        for word in text.split():
            counts[row, vocab[word]] += 1
    return counts, torch.tensor([label for _, label in batch])


train_loader = DataLoader(train, batch_size=45, shuffle=True, collate_fn=collate)
valid_loader = DataLoader(valid, batch_size=100, collate_fn=collate)
model = nn.Sequential(nn.Linear(len(vocab), 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
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
