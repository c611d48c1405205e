"""Words from body poses: a MobileNetV3-style network, an LSTM and CTC."""

import torch
from signs import JOINTS, clips, collator, edits
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader

EPOCHS = 12


class Vocabulary:
    def __init__(self):
        self.word2idx = {"<blank>": 0, "<unk>": 1}
        self.idx2word = {0: "<blank>", 1: "<unk>"}

    def add_word(self, word):
        if word not in self.word2idx:
            self.idx2word[len(self.word2idx)] = word
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
        self.blocks = nn.Sequential(*[Block(width, stride) for stride in (2, 1, 1)])
        self.rise = nn.ConvTranspose1d(width, width, 4, 4)
        self.dropout = nn.Dropout(0.3)
        self.lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width, words)

    def forward(self, x, lengths):
        steps = x.shape[1]
        x = self.rise(self.blocks(self.stem(x.transpose(1, 2))))[:, :, :steps].transpose(1, 2)
        packed = pack_padded_sequence(self.dropout(x), lengths, batch_first=True, enforce_sorted=False)
        x, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.head(self.dropout(x)).log_softmax(-1).transpose(0, 1)


torch.manual_seed(0)
rows = clips(500, seed=0)
train_rows, val_rows = rows[:400], rows[400:]
vocabulary = Vocabulary()
for _, words in train_rows:
    for word in words:
        vocabulary.add_word(word)
    assert vocabulary.decode(vocabulary.encode(words)) == words
collate = collator(vocabulary)
train_loader = DataLoader(train_rows, batch_size=16, shuffle=True, collate_fn=collate)
val_loader = DataLoader(val_rows, batch_size=50, collate_fn=collate)

model = SignModel(len(vocabulary.word2idx))
criterion = nn.CTCLoss(blank=0)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 0.05, total_iters=2 * len(train_loader))
for epoch in range(EPOCHS):
    model.train()
    total = 0.0
    for features, lengths, targets, target_lengths in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(features, lengths), targets, lengths, target_lengths)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        scheduler.step()
        total += loss.item()
    model.eval()
    errors = count = seen = 0
    with torch.no_grad():
        for features, lengths, targets, target_lengths in val_loader:
            paths = model(features, lengths).argmax(-1).T
            for path, length in zip(paths, lengths):
                words = val_rows[seen][1]
                seen += 1
                merged = torch.unique_consecutive(path[:length])
                said = vocabulary.decode(merged[merged != 0].tolist())
                errors += edits(said, words)
                count += len(words)
    print(f"epoch {epoch}: loss {total / len(train_loader):.3f}  word error rate {errors / count:.1%}")
print("last prediction:", " ".join(said) or "(nothing)")
