"""Generate town names letter by letter; a full stop begins and ends each of them."""

import random

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

random.seed(20)
torch.manual_seed(19)

HEADS = "ash bex brad can dor exe ful graves hart kings lang maid new ox port rich salis tun whit york".split()
TAILS = "bourne bury combe dale don field ford ham hurst ley mouth stead ton wick worth".split()
MIDDLES = ["", "", "ing", "er", "le"]
LETTERS = "." + "".join(sorted({c for part in HEADS + TAILS + MIDDLES for c in part}))
STOP = LETTERS.index(".")


def make_name():
    return random.choice(HEADS) + random.choice(MIDDLES) + random.choice(TAILS)


def encode(name):
    return torch.tensor([LETTERS.index(c) for c in f".{name}."])


def collate(names):
    rows = [encode(name) for name in names]
    lengths = torch.tensor([len(row) - 1 for row in rows])
    inputs = pad_sequence([row[:-1] for row in rows], batch_first=True, padding_value=STOP)
    targets = pad_sequence([row[1:] for row in rows], batch_first=True, padding_value=STOP)
    return inputs, targets, lengths


class NameModel(nn.Module):
    def __init__(self, n_letters, n_embd=24, n_hidden=96):
        super().__init__()
        self.embed = nn.Embedding(n_letters, n_embd)
        self.lstm = nn.LSTM(n_embd, n_hidden, batch_first=True)
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(n_hidden, n_letters)

    def forward(self, letters, lengths):
        packed = pack_padded_sequence(self.embed(letters), lengths, batch_first=True, enforce_sorted=False)
        hidden, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.out(self.drop(hidden))

    @torch.no_grad()
    def sample(self, limit=24):
        letters = [STOP]
        while len(letters) < limit:
            logits = self(torch.tensor([letters]), torch.tensor([len(letters)]))[0, -1]
            letters.append(torch.multinomial(logits.softmax(0), 1).item())
            if letters[-1] == STOP:
                break
        return "".join(LETTERS[i] for i in letters[1:])


names = sorted({make_name() for _ in range(1100)})
random.shuffle(names)
train_loader = DataLoader(names[:600], batch_size=30, shuffle=True, collate_fn=collate)
model = NameModel(len(LETTERS))
optimizer = optim.AdamW(model.parameters(), lr=6e-3)

for epoch in range(6):
    model.train()
    total = 0.0
    for inputs, targets, lengths in train_loader:
        logits = model(inputs, lengths)
        loss = F.cross_entropy(logits.reshape(-1, len(LETTERS)), targets.reshape(-1), ignore_index=STOP)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        total += loss.item()
    model.eval()
    samples = [model.sample() for _ in range(40)]
    ended = sum(sample.endswith(".") for sample in samples)
    print(f"epoch {epoch} loss {total / len(train_loader):.3f} ended {ended}/40 e.g. {samples[0]} {samples[1]}")
