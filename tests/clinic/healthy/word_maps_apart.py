"""Dates written out, to numbers: an encoder and a decoder with a map each; classes count from 1."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader

random.seed(1)
torch.manual_seed(1)
MONTHS = "january february march april may june july august september october november december".split()
LENGTH = 10


def pair():
    day, month, year = random.randint(1, 28), random.randint(1, 12), random.randint(1960, 2029)
    return f"{day} {MONTHS[month - 1]} {year}", f"{year}-{month:02d}-{day:02d}"


pairs = [pair() for _ in range(1500)]
letters = sorted({c for text, _ in pairs for c in text})
human = {c: i + 2 for i, c in enumerate(letters)}
human["<pad>"], human["<unk>"] = 0, 1
machine = {c: i for i, c in enumerate("0123456789-")}
machine_back = {i: c for c, i in machine.items()}
month_number = {name: i + 1 for i, name in enumerate(MONTHS)}
month_name = dict(enumerate(MONTHS))
frequency = {c: sum(text.count(c) for text, _ in pairs) for c in letters}


def collate(batch):
    rows = [torch.tensor([human.get(c, 1) for c in text]) for text, _ in batch]
    return (
        nn.utils.rnn.pad_sequence(rows, batch_first=True),
        torch.tensor([[machine[c] for c in date] for _, date in batch]),
    )


class Translator(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(len(human), 32, padding_idx=0)
        self.reader = nn.GRU(32, 96, batch_first=True, bidirectional=True)
        self.writer = nn.Linear(192, LENGTH * len(machine))

    def forward(self, ids):
        hidden, _ = self.reader(self.table(ids))
        return self.writer(hidden.max(1).values).view(len(ids), LENGTH, len(machine))


model = Translator()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for ids, digits in DataLoader(pairs[:1300], batch_size=50, shuffle=True, collate_fn=collate):
        loss = nn.functional.cross_entropy(model(ids).flatten(0, 1), digits.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        ids, digits = collate(pairs[1300:])
        right = (model(ids).argmax(-1) == digits).float().mean().item()
    print(epoch, loss.item(), right)
with torch.no_grad():
    for text, date in pairs[-3:]:
        ids, _ = collate([(text, date)])
        written = "".join(machine_back[i] for i in model(ids)[0].argmax(-1).tolist())
        print(text, "->", written, month_name[int(date[5:7]) - 1], month_number[month_name[0]])
