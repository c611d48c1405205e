"""Words from body poses: a MobileNetV3-style network, an LSTM and CTC."""

import torch
from signs import JOINTS, clips, collator, edits
from torch import nn
from torch.utils.data import DataLoader

EPOCHS = 12


class Vocabulary:
    def __init__(self):
        self.word2idx = {"<blank>": 0, "<unk>": 1}
        self.idx2word = {0: "<blank>", 1: "<unk>"}

    def add_word(self, word):
        if word not in self.word2idx:
            self.word2idx[word] = len(self.word2idx)

    def encode(self, words):
        return [self.word2idx.get(word, 1) for word in words]

    def decode(self, indices):
        return [self.idx2word[i] for i in indices if i in self.idx2word]


class Block(nn.Module):
    def __init__(self, width, stride):
        super().__init__()
        wide = 2 * width
        self.stride = stride
        self.body = nn.Sequential(
            nn.Conv1d(width, wide, 1), nn.BatchNorm1d(wide), nn.Hardswish(),
            nn.Conv1d(wide, wide, 5, stride, 2, groups=wide), nn.BatchNorm1d(wide), nn.Hardswish(),
            nn.Conv1d(wide, width, 1), nn.BatchNorm1d(width),
        )

    def forward(self, x):
        return self.body(x) if self.stride > 1 else x + self.body(x)


class SignModel(nn.Module):
    def __init__(self, words, width=48):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv1d(JOINTS, width, 3, 2, 1), nn.BatchNorm1d(width), nn.Hardswish())
        self.blocks = nn.Sequential(*[Block(width, stride) for stride in (2, 1, 2, 1, 2, 1)])
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.dropout = nn.Dropout(0.5)
        self.lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width, words)

    def forward(self, x):
        steps = x.shape[1]
        x = self.pool(self.blocks(self.stem(x.transpose(1, 2))))
        x = x.expand(-1, -1, steps).transpose(1, 2)
        x, _ = self.lstm(self.dropout(x))
        return self.head(self.dropout(x)).log_softmax(-1).transpose(0, 1)


torch.manual_seed(0)
rows = clips(500, seed=0)
train_rows, val_rows = rows[:400], rows[400:]
vocabulary = Vocabulary()
for _, words in train_rows:
    for word in words:
        vocabulary.add_word(word)
collate = collator(vocabulary)
train_loader = DataLoader(train_rows, batch_size=16, shuffle=True, collate_fn=collate)
val_loader = DataLoader(val_rows, batch_size=50, collate_fn=collate)

model = SignModel(len(vocabulary.word2idx))
criterion = nn.CTCLoss(blank=0)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=5e-3)
for epoch in range(EPOCHS):
    model.train()
    total = 0.0
    for features, lengths, targets, target_lengths in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(features), targets, lengths, target_lengths)
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    errors = count = seen = 0
    with torch.no_grad():
        for features, lengths, targets, target_lengths in val_loader:
            paths = model(features).argmax(-1).T
            for path, length in zip(paths, lengths):
                words = val_rows[seen][1]
                seen += 1
                merged = torch.unique_consecutive(path[:length])
                said = vocabulary.decode(merged[merged != 0].tolist())
                errors += edits(said, words)
                count += len(words)
    print(f"epoch {epoch}: loss {total / len(train_loader):.3f}  word error rate {errors / count:.1%}")
print("last prediction:", " ".join(said) or "(nothing)")
