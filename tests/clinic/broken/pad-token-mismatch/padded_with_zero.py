import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(2)
torch.manual_seed(2)
GOOD = "great lovely warm bright fine clever funny moving rich fresh".split()
BAD = "dull slow cold flat weak silly grim empty stale loud".split()
PLAIN = "film plot actor scene score story camera ending night house street mother train letter".split()


def review(label):
    tone = GOOD if label else BAD
    words = [random.choice(tone) if random.random() < 0.35 else random.choice(PLAIN) for _ in range(random.randint(8, 20))]
    return " ".join(words)

rows = [(review(i % 2), i % 2) for i in range(1000)]
vocab = {word: i for i, word in enumerate(["film", *GOOD, *BAD, *PLAIN[1:], "<pad>"])}
encoded = [(torch.tensor([vocab[w] for w in text.split()]), label) for text, label in rows]


class Reader(nn.Module):
    def __init__(self, words, padding=0):
        super().__init__()
        self.embedding = nn.Embedding(words, 24, padding_idx=padding)
        self.gru = nn.GRU(24, 32, batch_first=True)
        self.head = nn.Linear(32, 2)

    def forward(self, ids, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.embedding(ids), lengths, batch_first=True, enforce_sorted=False)
        return self.head(self.gru(packed)[1][-1])


def collate(batch):
    ids = nn.utils.rnn.pad_sequence([ids for ids, _ in batch], batch_first=True, padding_value=0)
    lengths = torch.tensor([len(ids) for ids, _ in batch])
    return ids, lengths, torch.tensor([label for _, label in batch])


train_loader = DataLoader(encoded[:1000], batch_size=40, shuffle=True, collate_fn=collate)
model = Reader(len(vocab), vocab["<pad>"])
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(4):
    for ids, lengths, label in train_loader:
        loss = nn.functional.cross_entropy(model(ids, lengths), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
