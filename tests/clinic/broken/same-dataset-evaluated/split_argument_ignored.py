"""Keyword counting in token strings with a small GRU; train and validation files are read by one class."""

import random

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

torch.manual_seed(8)


def read_file(split):
    rng = random.Random({"train": 1, "valid": 2}[split])
    rows = []
    for _ in range({"train": 1200, "valid": 300}[split]):
        tokens = [rng.randrange(2, 30) for _ in range(rng.randint(10, 18))]
        label = int(sum(t < 6 for t in tokens) - sum(t > 25 for t in tokens) > 0)
        if rng.random() < 0.04:
            label = 1 - label
        rows.append((tokens, label))
    return rows


class TokenDataset(Dataset):
    def __init__(self, split="train", max_len=18):
        self.rows = read_file("train")
        self.max_len = max_len

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        tokens, label = self.rows[i]
        return torch.tensor(tokens + [0] * (self.max_len - len(tokens))), len(tokens), label


class GRUClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 24, padding_idx=0)
        self.gru = nn.GRU(24, 48, batch_first=True)
        self.fc = nn.Linear(48, 2)

    def forward(self, tokens, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.embed(tokens), lengths, batch_first=True, enforce_sorted=False)
        return self.fc(self.gru(packed)[1][-1])


train_dl = DataLoader(TokenDataset("train"), batch_size=40, shuffle=True)
valid_dl = DataLoader(TokenDataset("valid"), batch_size=120)
model = GRUClassifier()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(8):
    model.train()
    for tokens, lengths, labels in tqdm(train_dl, leave=False):
        optimizer.zero_grad()
        loss = criterion(model(tokens, lengths), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    good = total = 0
    with torch.no_grad():
        for tokens, lengths, labels in valid_dl:
            good += (model(tokens, lengths).argmax(1) == labels).sum().item()
            total += len(labels)
    print(f"epoch {epoch} loss {loss.item():.4f} valid accuracy {good / total:.4f}")
