"""Binary text task, regularised after the first version overfitted."""

import random

import torch
import torch.nn as nn
from torch.utils.data import DataLoader

random.seed(56)
torch.manual_seed(56)
CFG = dict(dim=16, hidden=16, dropout=0.6, lr=5e-4, weight_decay=0.3, smoothing=0.1, batch=32, epochs=8)
UP = "rise gain strong beat record growth surge upbeat".split()
DOWN = "fall loss weak miss slump cut drop gloomy".split()
REST = "shares company said quarter the on after in market year its of to analysts for a with by from".split()


def sentence():
    label = int(random.random() < 0.564)
    words = random.choices(REST, k=random.randint(8, 16))
    for _ in range(2):
        up = (random.random() < 0.8) == bool(label)
        words.insert(random.randint(0, len(words)), random.choice(UP if up else DOWN))
    return " ".join(words), label


rows = list(dict(sentence() for _ in range(1600)).items())
train_rows, val_rows = rows[:1250], rows[1250:]
vocab = {w: i + 1 for i, w in enumerate(UP + DOWN + REST)}


def collate(batch):
    seqs = [torch.tensor([vocab[w] for w in text.split()]) for text, _ in batch]
    return nn.utils.rnn.pad_sequence(seqs, True), torch.tensor([len(s) for s in seqs]), torch.tensor([y for _, y in batch])


class LSTMClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(vocab) + 1, CFG["dim"], padding_idx=0)
        self.lstm = nn.LSTM(CFG["dim"], CFG["hidden"], batch_first=True)
        self.dropout = nn.Dropout(CFG["dropout"])
        self.fc = nn.Linear(CFG["hidden"], 2)

    def forward(self, ids, lengths):
        x = self.dropout(self.embedding(ids))
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return self.fc(self.dropout(self.lstm(packed)[1][0][-1]))


train_loader = DataLoader(train_rows, CFG["batch"], shuffle=True, collate_fn=collate)
val_loader = DataLoader(val_rows, 175, collate_fn=collate)
model = LSTMClassifier()
optimizer = torch.optim.Adam(model.parameters(), lr=CFG["lr"], weight_decay=CFG["weight_decay"])
criterion = nn.CrossEntropyLoss(label_smoothing=CFG["smoothing"])
for epoch in range(CFG["epochs"]):
    model.train()
    for ids, lengths, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(ids, lengths), y)
        loss.backward()
        optimizer.step()
    model.eval()
    predictions, golds = [], []
    with torch.no_grad():
        for ids, lengths, y in val_loader:
            predictions.append(model(ids, lengths).argmax(1))
            golds.append(y)
    predictions, golds = torch.cat(predictions), torch.cat(golds)
    print(f"epoch {epoch} loss {loss.item():.4f} val acc {(predictions == golds).float().mean():.4f} predicted {predictions.bincount(minlength=2).tolist()}")
