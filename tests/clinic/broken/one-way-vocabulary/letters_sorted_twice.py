"""Names of towns, a letter at a time; a few are written at the end."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader

random.seed(4)
torch.manual_seed(4)
STARTS = "bran corf dun elm fern glen hart ivy kirk lang mar nor oak pen quar ros stan thorn ux vale wim yar zel".split()
ENDS = "bury by don ford ham ley mouth port stead ton wick worth jex".split()
towns = sorted({random.choice(STARTS) + random.choice(ENDS) for _ in range(400)})
letters = []
for town in towns:
    for letter in town:
        if letter not in letters:
            letters.append(letter)


class Codec:
    def __init__(self, alphabet):
        self.to_id = {letter: i + 1 for i, letter in enumerate(alphabet)}
        self.to_letter = {i: letter for i, letter in enumerate(sorted(alphabet), start=1)}

    def encode(self, town):
        return torch.tensor([0, *(self.to_id[letter] for letter in town), 0])

    def decode(self, ids):
        return "".join(self.to_letter.get(i, "") for i in ids)


codec = Codec(letters)


def collate(batch):
    rows = nn.utils.rnn.pad_sequence([codec.encode(t) for t in batch], batch_first=True, padding_value=-1)
    return rows[:, :-1].clamp(min=0), rows[:, 1:]


class Writer(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.table = nn.Embedding(size, 24)
        self.rnn = nn.GRU(24, 64, batch_first=True)
        self.out = nn.Linear(64, size)

    def forward(self, ids, state=None):
        hidden, state = self.rnn(self.table(ids), state)
        return self.out(hidden), state


writer = Writer(len(letters) + 1)
optimizer = torch.optim.Adam(writer.parameters(), lr=4e-3)
for epoch in range(12):
    total = 0.0
    for ids, following in DataLoader(towns, batch_size=16, shuffle=True, collate_fn=collate):
        scores, _ = writer(ids)
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), following.flatten(), ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total)
for _ in range(5):
    ids, state, written = torch.zeros(1, 1, dtype=torch.long), None, []
    for _ in range(15):
        with torch.no_grad():
            scores, state = writer(ids, state)
        ids = torch.multinomial(scores[:, -1].softmax(-1), 1)
        if not ids.item():
            break
        written.append(ids.item())
    print(codec.decode(written))
