"""A tagger: is each token inside of a bracket?"""

import argparse

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader


def sentences(count):
    rows = []
    for _ in range(count):
        length = int(torch.randint(8, 20, ()))
        tokens = torch.randint(4, 30, (length,))
        start = int(torch.randint(0, length - 4, ()))
        end = int(torch.randint(start + 2, length, ()))
        tokens[start], tokens[end] = 2, 3
        tags = torch.zeros(length, dtype=torch.long)
        tags[start : end + 1] = 1
        rows.append((tokens, tags))
    return rows


def collate(rows):
    tokens, tags = zip(*rows)
    return pad_sequence(tokens, batch_first=True), pad_sequence(tags, batch_first=True, padding_value=-100)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 24, padding_idx=0)
        self.gru = nn.GRU(24, 32, batch_first=True, bidirectional=True)
        self.tag = nn.Linear(64, 2)

    def forward(self, tokens):
        return self.tag(self.gru(self.embed(tokens))[0])


parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-9)
parser.add_argument("--epochs", type=int, default=8)
args = parser.parse_args()
torch.manual_seed(7)
loader = DataLoader(sentences(600), batch_size=24, shuffle=True, collate_fn=collate)
model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
criterion = nn.CrossEntropyLoss(ignore_index=-100)
for epoch in range(args.epochs):
    total = 0.0
    for tokens, tags in loader:
        optimizer.zero_grad()
        loss = criterion(model(tokens).transpose(1, 2), tags)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: {total / len(loader):.4f}")
