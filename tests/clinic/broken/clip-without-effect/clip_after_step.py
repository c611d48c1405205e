import math
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset

np.random.seed(2)
torch.manual_seed(2)

POS = ["great", "lovely", "happy", "excellent", "enjoyed", "perfect"]
NEG = ["terrible", "boring", "sad", "poor", "hated", "broken"]
NEUTRAL = "the a it was and i we this that food room movie staff service day book place phone very so".split()


def build(rng):
    """Sentiment with negation: 'not great' counts as negative."""
    length = rng.integers(8, 19)
    words = list(rng.choice(NEUTRAL, length))
    score = 0
    while score == 0:
        score, spots = 0, rng.choice(np.arange(1, length), 3, replace=False)
        for spot in spots:
            positive, negated = rng.random() < 0.5, rng.random() < 0.2
            words[spot] = rng.choice(POS if positive else NEG)
            words[spot - 1] = "not" if negated else rng.choice(NEUTRAL)
        for i, w in enumerate(words):
            sign = 1 if w in POS else -1 if w in NEG else 0
            score += -sign if i and words[i - 1] == "not" else sign
    label = int(score > 0)
    if rng.random() < 0.02:
        label = 1 - label
    return " ".join(map(str, words)), label


rng = np.random.default_rng(2)
rows = list({text: label for text, label in (build(rng) for _ in range(4500))}.items())
train_rows, valid_rows = rows[:4000], rows[4000:]
stoi = {w: i for i, w in enumerate(["<pad>", *sorted({w for t, _ in rows for w in t.split()})])}


class Reviews(Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return [stoi[w] for w in self.rows[i][0].split()], self.rows[i][1]


def pad(batch):
    width = max(len(ids) for ids, _ in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    for i, (row, _) in enumerate(batch):
        ids[i, : len(row)] = torch.tensor(row)
    return ids, torch.tensor([label for _, label in batch])


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=64):
        super().__init__()
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(1, max_len, d_model)
        pe[0, :, 0::2] = torch.sin(position * div_term)
        pe[0, :, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return x + self.pe[:, : x.size(1)]


class TransformerClassifier(nn.Module):
    def __init__(self, ntoken, d_model=64, nhead=4, nlayers=2, dropout=0.1):
        super().__init__()
        self.embedding = nn.Embedding(ntoken, d_model, padding_idx=0)
        nn.init.normal_(self.embedding.weight[1:], std=d_model**-0.5)
        self.scale = math.sqrt(d_model)
        self.pos_encoder = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(d_model, nhead, 2 * d_model, dropout, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, nlayers, norm=nn.LayerNorm(d_model), enable_nested_tensor=False)
        self.linear = nn.Linear(d_model, 2)

    def forward(self, ids):
        mask = ids == 0
        h = self.encoder(self.pos_encoder(self.embedding(ids) * self.scale), src_key_padding_mask=mask)
        keep = (~mask).unsqueeze(-1).float()
        return self.linear((h * keep).sum(1) / keep.sum(1))


EPOCHS = 7
train_loader = DataLoader(Reviews(train_rows), batch_size=50, shuffle=True, collate_fn=pad)
valid_loader = DataLoader(Reviews(valid_rows), batch_size=100, collate_fn=pad)
model = TransformerClassifier(len(stoi))
optimizer = torch.optim.Adam(model.parameters(), lr=1.5e-3)
total_steps, warmup = EPOCHS * len(train_loader), 30
scheduler = LambdaLR(
    optimizer,
    lambda s: s / warmup if s < warmup else 0.5 * (1 + math.cos(math.pi * (s - warmup) / (total_steps - warmup))),
)

for epoch in range(EPOCHS):
    start = time.time()
    model.train()
    for ids, labels in train_loader:
        loss = F.cross_entropy(model(ids), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scheduler.step()
    model.eval()
    with torch.no_grad():
        correct = sum((model(ids).argmax(1) == labels).sum().item() for ids, labels in valid_loader)
    print(f"| epoch {epoch} | {time.time() - start:.1f}s | loss {loss.item():.3f} | valid accuracy {correct / len(valid_rows):.3f}")
