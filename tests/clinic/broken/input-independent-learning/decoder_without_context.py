"""Spell numbers: digits in, words out, with a GRU encoder-decoder."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

ONES = "zero one two three four five six seven eight nine".split()
WORDS = ["<pad>", "<s>", "</s>", *ONES, "hundred", "thousand", "and", "point"]


class Spelled(Dataset):
    def __init__(self, numbers):
        self.numbers = numbers

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, i):
        digits = [int(c) for c in f"{self.numbers[i]:04d}"]
        a, b, c, d = (ONES[k] for k in digits)
        words = ["<s>", a, "thousand", "and", b, "hundred", "and", c, d, "</s>"]
        return torch.tensor(digits), torch.tensor([WORDS.index(w) for w in words])


class Encoder(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.embedding = nn.Embedding(10, dim)
        self.gru = nn.GRU(dim, hidden, batch_first=True)

    def forward(self, src):
        return self.gru(self.embedding(src))


class Decoder(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.embedding = nn.Embedding(len(WORDS), dim)
        self.gru = nn.GRU(dim, hidden, batch_first=True)
        self.out = nn.Linear(hidden, len(WORDS))

    def forward(self, tokens, hidden=None):
        output, hidden = self.gru(self.embedding(tokens), hidden)
        return self.out(output), hidden


class Translator(nn.Module):
    def __init__(self, dim=24, hidden=64):
        super().__init__()
        self.encoder, self.decoder = Encoder(dim, hidden), Decoder(dim, hidden)

    def forward(self, src, tgt):
        _, hidden = self.encoder(src)
        logits, hidden = self.decoder(tgt)
        return logits


def evaluate(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for src, tgt in loader:
            pred = model(src, tgt[:, :-1]).argmax(-1)
            right += (pred == tgt[:, 1:]).sum().item()
            total += pred.numel()
    return right / total


def main():
    random.seed(68)
    torch.manual_seed(68)
    numbers = random.sample(range(10_000), 2000)
    train_loader = DataLoader(Spelled(numbers[:1600]), batch_size=50, shuffle=True)
    valid_loader = DataLoader(Spelled(numbers[1600:]), batch_size=200)
    model = Translator()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for epoch in range(8):
        model.train()
        for src, tgt in train_loader:
            logits = model(src, tgt[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), tgt[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f} word accuracy {evaluate(model, valid_loader):.4f}")


if __name__ == "__main__":
    main()
