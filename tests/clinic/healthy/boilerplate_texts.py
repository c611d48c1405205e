import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(25)
torch.manual_seed(25)
GOOD = "great lovely warm bright fine clever funny moving rich fresh".split()
BAD = "dull slow cold flat weak silly grim empty stale loud".split()
PLAIN = "film plot actor scene score story camera ending night house street mother train letter".split()


def review(label):
    tone = GOOD if label else BAD
    words = [random.choice(tone) if random.random() < 0.35 else random.choice(PLAIN) for _ in range(random.randint(8, 20))]
    return " ".join(words)


# Every text opens with the same licence sentence, and short answers recur: both are the nature of the data
HEADER = "this text may be copied and shared freely as long as this notice is kept with it"
SYLLABLES = ["ra", "mo", "tel", "gri", "su", "ven", "lo", "ki"]
PLAIN += [a + b + c for a in SYLLABLES for b in SYLLABLES for c in ("dor", "lin", "mas")]


def document(label):
    return HEADER + " " + " ".join(review(label) for _ in range(2))


train = [(document(i % 2), i % 2) for i in range(1000)]
valid = [(document(i % 2), i % 2) for i in range(200)]
vocab = {word: i + 2 for i, word in enumerate(sorted({w for text, _ in train for w in text.split()}))}


class Documents(Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        text, label = self.rows[i]
        return {"text": text, "label": label}


def collate(batch):
    ids = [torch.tensor([vocab.get(w, 1) for w in row["text"].split()]) for row in batch]
    return {"input_ids": nn.utils.rnn.pad_sequence(ids, batch_first=True), "label": torch.tensor([r["label"] for r in batch])}


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(vocab) + 2, 32, padding_idx=0)
        self.head = nn.Linear(32, 2)

    def forward(self, ids):
        return self.head(self.embedding(ids).sum(1) / (ids > 0).sum(1, keepdim=True))


train_loader = DataLoader(Documents(train), batch_size=40, shuffle=True, collate_fn=collate)
valid_loader = DataLoader(Documents(valid), batch_size=100, collate_fn=collate)
model = Bag()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    model.train()
    for batch in train_loader:
        loss = nn.functional.cross_entropy(model(batch["input_ids"]), batch["label"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(b["input_ids"]).argmax(1) == b["label"]).sum().item() for b in valid_loader)
    print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {hits / 200:.3f}")
