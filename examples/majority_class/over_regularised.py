"""LSTM or plain recurrence: which reads film comments better?"""

import torch
from data import comments, encode, vocabulary_of
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.data import DataLoader

WIDTH = 16
DROPOUT = 0.8
RATE = 1e-3
DECAY = 0.1
SMOOTHING = 0.1
EPOCHS = 5
LONGEST = 32

torch.manual_seed(1)
rows = comments(900, seed=0)
rows[100:100] = [("!!! :)", 1), ("10 / 10", 1), ("...", 0)]
train_rows, val_rows = rows[:703], rows[703:]
vocabulary = vocabulary_of(train_rows)
found = len(train_rows) + len(val_rows)
train_rows, val_rows = (
    [row for row in part if encode(row[0], vocabulary)] for part in (train_rows, val_rows)
)
print(f"{found - len(train_rows) - len(val_rows)} texts without a known word are left out")


def collate(batch):
    encoded = [encode(text, vocabulary)[:LONGEST] for text, _ in batch]
    lengths = torch.tensor([len(row) for row in encoded])
    ids = torch.zeros(len(batch), int(lengths.max()), dtype=torch.long)
    for place, row in enumerate(encoded):
        ids[place, : len(row)] = torch.tensor(row)
    return ids, lengths, torch.tensor([label for _, label in batch])


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.embedding = nn.Embedding(len(vocabulary) + 1, WIDTH, padding_idx=0)
        nn.init.normal_(self.embedding.weight[1:], std=0.1)
        self.reader = kind(WIDTH, WIDTH, num_layers=2, dropout=DROPOUT, batch_first=True)
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Sequential(
            nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(WIDTH, 2)
        )

    def forward(self, ids, lengths):
        embedded = self.dropout(self.embedding(ids))
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        _, state = self.reader(packed)
        last = state[0] if isinstance(state, tuple) else state
        return self.head(self.dropout(last[-1]))


def accuracy(model, loader):
    model.eval()
    right = seen = 0
    predicted = set()
    with torch.no_grad():
        for ids, lengths, labels in loader:
            answers = model(ids, lengths).argmax(1)
            predicted |= set(answers.tolist())
            right, seen = right + int((answers == labels).sum()), seen + len(labels)
    return right / seen, sorted(predicted)


train_loader = DataLoader(train_rows, batch_size=32, shuffle=True, collate_fn=collate)
val_loader = DataLoader(val_rows, batch_size=64, collate_fn=collate)
models = {"LSTM": Recurrent(nn.LSTM), "GRU": Recurrent(nn.GRU), "RNN": Recurrent(nn.RNN)}
for name, model in models.items():
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    criterion = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for ids, lengths, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(ids, lengths), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        share, classes = accuracy(model, val_loader)
    print(f"{name}: loss {total / len(train_loader):.3f}  accuracy {share:.4f}  predicts {classes}")
