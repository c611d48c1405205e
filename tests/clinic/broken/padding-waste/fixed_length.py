import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(3)
torch.manual_seed(3)
GOOD = "great lovely warm bright fine clever funny moving rich fresh".split()
BAD = "dull slow cold flat weak silly grim empty stale loud".split()
PLAIN = "film plot actor scene score story camera ending night house street mother train letter".split()


def review(label):
    tone = GOOD if label else BAD
    words = [random.choice(tone) if random.random() < 0.35 else random.choice(PLAIN) for _ in range(random.randint(8, 20))]
    return " ".join(words)

rows = [(review(i % 2), i % 2) for i in range(1000)]
vocab = {word: i + 1 for i, word in enumerate(sorted({*GOOD, *BAD, *PLAIN}))}
encoded = [(torch.tensor([vocab[w] for w in text.split()]), label) for text, label in rows]

LENGTH = 64


class Padded(Dataset):
    def __len__(self):
        return len(encoded)

    def __getitem__(self, i):
        ids, label = encoded[i]
        full = torch.zeros(LENGTH, dtype=torch.long)
        full[: len(ids)] = ids
        return {"input_ids": full, "attention_mask": (full > 0).long(), "label": label}


class Mean(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(vocab) + 1, 24, padding_idx=0)
        self.head = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, input_ids, attention_mask):
        mask = attention_mask.unsqueeze(-1)
        return self.head((self.embedding(input_ids) * mask).sum(1) / mask.sum(1))


model = Mean()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(5):
    for batch in DataLoader(Padded(), batch_size=40, shuffle=True):
        loss = nn.functional.cross_entropy(model(batch["input_ids"], batch["attention_mask"]), batch["label"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
